"""The image sets pass the suite that every data set must pass."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpo_torch.plugin_api import DataRequest
from hpo_torch.testing.dataset_suite import DatasetSuite
from hpo_torch_vision.plugin import register_datasets

SPECS = {spec.name: spec for spec in register_datasets()}
TEST_DATA = "HPO_TORCH_TEST_DATA"


def real_data() -> DataRequest:
    folder = os.environ.get(TEST_DATA)
    if not folder:
        pytest.skip(f"needs real data: set {TEST_DATA} to a folder of prepared data sets")
    return DataRequest(data_dir=Path(folder), download=False)


class TestDigits(DatasetSuite):
    spec = SPECS["digits"]
    embedded = True

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return DataRequest(data_dir=folder, download=False)


class TestMnist(DatasetSuite):
    spec = SPECS["mnist"]

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return real_data()


class TestFashionMnist(DatasetSuite):
    spec = SPECS["fashion_mnist"]

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return real_data()


class TestGtsrb(DatasetSuite):
    spec = SPECS["gtsrb"]
    whole = False  # two of its 26,640 training images are absent from the prepared data

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        (folder / "gtsrb").symlink_to(real_data().data_dir / "gtsrb")
        return DataRequest(data_dir=folder, download=False)


class TestCifar10Subset(DatasetSuite):
    spec = SPECS["cifar10"]
    whole = False

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        (folder / "cifar10").symlink_to(real_data().data_dir / "cifar10")
        return DataRequest(data_dir=folder, download=False)


class TestFolder(DatasetSuite):
    spec = SPECS["folder"]

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return DataRequest(data_dir=folder / "data", path=write_folder(folder / "own", 0))

    @classmethod
    def make_changed_request(cls, folder: Path) -> DataRequest:
        return DataRequest(data_dir=folder / "data", path=write_folder(folder / "own", 1))


def write_folder(folder: Path, seed: int) -> Path:
    """Ten images of each of three classes, of different sizes."""
    generator = np.random.default_rng(seed)
    for name in ("bird", "cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(10):
            pixels = generator.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder
