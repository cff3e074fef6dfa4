from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.load import load_prepared
from hpo_torch.data.spec import DataRequest, ImageData
from hpo_torch.errors import PluginError

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")
SETTINGS = DataSettings(dataset="toy", validation_split=0.2)


@pytest.fixture
def data() -> ImageData:
    """Random images; 300 + 100 to train and validate of two classes, 3 : 1."""
    return ImageData(
        train_images=torch.randint(0, 256, (400, 1, 3, 3), dtype=torch.uint8),
        train_labels=(torch.arange(400) % 4 == 0).long(),
        test_images=torch.randint(0, 256, (30, 1, 3, 3), dtype=torch.uint8),
        test_labels=torch.arange(30) % 2,
        class_names=("often", "rare"),
        fingerprint="abc",
    )


class CountingLoader:
    """Counts how often its data are loaded."""

    def __init__(self, data: ImageData) -> None:
        self.data, self.requests = data, []

    def prepare(self, request: DataRequest) -> None:
        raise AssertionError("a worker never prepares")

    def load(self, request: DataRequest) -> ImageData:
        self.requests.append(request)
        return self.data


def test_load_prepared_loads_once_for_equal_settings(data: ImageData, tmp_path: Path):
    loader = CountingLoader(data)
    settings = SETTINGS.model_copy(update={"dir": str(tmp_path), "download": False})
    first = load_prepared(loader, settings, 0, CPU)
    assert load_prepared(loader, settings.model_copy(), 0, torch.device("cpu")) is first
    assert loader.requests == [DataRequest(data_dir=tmp_path, download=False)]
    other_seed = load_prepared(loader, settings, 1, CPU)
    assert not torch.equal(other_seed.split.validation, first.split.validation)
    other_split = settings.model_copy(update={"validation_split": 0.5})
    assert len(load_prepared(loader, other_split, 0, CPU).split.validation) == 200
    assert len(loader.requests) == 3


def test_load_prepared_does_not_keep_failures(data: ImageData, tmp_path: Path):
    settings = SETTINGS.model_copy(update={"dir": str(tmp_path)})
    broken = CountingLoader(replace(data, class_names=("only one",)))
    with pytest.raises(PluginError):
        load_prepared(broken, settings, 0, CPU)
    assert load_prepared(CountingLoader(data), settings, 0, CPU).num_classes == 2
