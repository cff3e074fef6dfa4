from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torchvision

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.checks import check_image_data
from hpo_torch.data.datamodule import ImageDataModule, prepare_images
from hpo_torch.plugin_api import DataRequest, ImageData
from hpo_torch_vision.mnist import FASHION_MNIST, MNIST

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch_vision.idx import IdxDataset

SETS = {
    "mnist": (MNIST, torchvision.datasets.MNIST),
    "fashion_mnist": (FASHION_MNIST, torchvision.datasets.FashionMNIST),
}


def load(name: str, data_dir: Path) -> ImageData:
    loader: IdxDataset = SETS[name][0]
    request = DataRequest(data_dir=data_dir, download=False)
    loader.prepare(request)
    return loader.load(request)


@pytest.fixture(scope="module")
def mnist(test_data_dir: Path) -> ImageData:
    return load("mnist", test_data_dir)


@pytest.mark.parametrize("name", SETS)
def test_table_is_torchvisions(name: str):
    ours, theirs = SETS[name]
    files = (ours.train_images, ours.train_labels, ours.test_images, ours.test_labels)
    assert [(f"{file.name}.gz", file.served) for file in files] == [
        (resource, f"md5:{md5}") for resource, md5 in theirs.resources
    ]
    for file in files:
        assert list(file.urls) == [f"{mirror}{file.name}.gz" for mirror in theirs.mirrors]
    assert ours.folder == theirs.__name__


def test_class_names_are_torchvisions():
    assert list(FASHION_MNIST.class_names) == torchvision.datasets.FashionMNIST.classes
    # torchvision's are "0 - zero" ...
    assert list(MNIST.class_names) == [name[0] for name in torchvision.datasets.MNIST.classes]


@pytest.mark.parametrize("name", SETS)
def test_real_sets_are_what_torchvision_reads(name: str, test_data_dir: Path):
    data = load(name, test_data_dir)
    check_image_data(name, data)
    for train, images, labels in (
        (True, data.train_images, data.train_labels),
        (False, data.test_images, data.test_labels),
    ):
        theirs = SETS[name][1](test_data_dir / name, train=train)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(labels, theirs.targets)


def test_real_mnist_has_its_published_sizes_and_statistics(mnist: ImageData):
    assert mnist.train_images.shape == (60_000, 1, 28, 28)
    assert mnist.test_images.shape == (10_000, 1, 28, 28)
    histogram = torch.bincount(mnist.train_labels).tolist()
    assert histogram == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.train_images.double().mean().item() == pytest.approx(33.318, abs=1e-3)


def test_real_mnist_split_and_normalised(mnist: ImageData):
    settings = DataSettings(dataset="mnist", validation_split=0.2)
    prepared = prepare_images(mnist, settings, 0, torch.device("cpu"))
    assert (len(prepared.split.train), len(prepared.split.validation)) == (48_000, 12_000)
    counts = torch.bincount(mnist.train_labels)
    validation = torch.bincount(mnist.train_labels[prepared.split.validation])
    assert (validation - 0.2 * counts).abs().max() < 1
    assert prepared.majority_share == pytest.approx(1348 / 12_000, abs=1 / 12_000)
    loader = ImageDataModule(prepared, 999, seed=0).train_dataloader()
    images = torch.cat([inputs for inputs, _ in loader]).double()
    assert len(images) == 48_000
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std(correction=0).item() == pytest.approx(1, abs=1e-5)
