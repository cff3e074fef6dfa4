from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.augmentation import Augmentation
from hpo_torch.data.datamodule import ImageDataModule, prepare_images
from hpo_torch.data.spec import ImageData
from hpo_torch.errors import PluginError

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")


@pytest.fixture
def data() -> ImageData:
    """Random images; 300 + 100 to train and validate of two classes, 3 : 1."""
    generator = torch.Generator().manual_seed(0)
    train = torch.randint(0, 256, (400, 3, 5, 4), dtype=torch.uint8, generator=generator)
    train[:, 1] //= 3  # the channels differ
    return ImageData(
        train_images=train,
        train_labels=(torch.arange(400) % 4 == 0).long(),
        test_images=torch.randint(0, 256, (30, 3, 5, 4), dtype=torch.uint8, generator=generator),
        test_labels=torch.arange(30) % 2,
        class_names=("often", "rare"),
        fingerprint="abc",
    )


SETTINGS = DataSettings(dataset="toy", validation_split=0.2)


def all_inputs(module: ImageDataModule, part: str) -> torch.Tensor:
    return torch.cat([inputs for inputs, _ in getattr(module, f"{part}_dataloader")()])


def test_prepare_images_states_what_it_made(data: ImageData):
    prepared = prepare_images(data, SETTINGS, 0, CPU)
    assert prepared.input_shape == (3, 5, 4)
    assert prepared.num_classes == 2
    assert prepared.majority_share == 0.75
    assert (len(prepared.split.train), len(prepared.split.validation)) == (320, 80)
    assert len(prepared.test) == 30
    assert prepared.fingerprint == "abc"


def test_training_part_has_mean_0_and_std_1_and_the_others_do_not(data: ImageData):
    module = ImageDataModule(prepare_images(data, SETTINGS, 0, CPU), 32, seed=0)
    train = all_inputs(module, "train").double()
    torch.testing.assert_close(
        train.mean(dim=(0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        train.std(dim=(0, 2, 3), correction=0),
        torch.ones(3, dtype=torch.float64),
        atol=1e-5,
        rtol=0,
    )
    assert all_inputs(module, "val").mean(dim=(0, 2, 3)).abs().min() > 1e-4
    # the test set's second channel is three times as bright: measured on training pixels
    assert all_inputs(module, "test")[:, 1].mean() > 2


def test_loaders_go_through_their_own_parts(data: ImageData):
    prepared = prepare_images(data, SETTINGS, 0, CPU)
    module = ImageDataModule(prepared, 32, seed=0)
    for part, labels in (
        ("train", data.train_labels[prepared.split.train]),
        ("val", data.train_labels[prepared.split.validation]),
        ("test", data.test_labels),
    ):
        seen = torch.cat([labels for _, labels in getattr(module, f"{part}_dataloader")()])
        assert torch.bincount(seen).tolist() == torch.bincount(labels).tolist()
    assert len(module.val_dataloader()) == 1  # large batches: 80 <= 1024


def test_prepare_images_keeps_groups_together(data: ImageData):
    groups = torch.arange(400) // 8
    split = prepare_images(replace(data, groups=groups), SETTINGS, 0, CPU).split
    assert not set(groups[split.train].tolist()) & set(groups[split.validation].tolist())


def test_prepare_images_checks_the_loaders_arrays(data: ImageData):
    with pytest.raises(PluginError, match="dataset 'toy': train_labels"):
        prepare_images(replace(data, train_labels=data.train_labels.int()), SETTINGS, 0, CPU)


def test_sample_is_stratified_normalised_and_of_the_training_part(data: ImageData):
    prepared = prepare_images(data, SETTINGS, 0, CPU)
    inputs, labels = prepared.sample(40)
    assert torch.bincount(labels).tolist() == [30, 10]
    train, _ = prepared.images.batch(prepared.split.train)
    differences = (inputs.flatten(1)[:, None] - train.flatten(1)[None]).abs().sum(dim=2)
    assert differences.min(dim=1).values.max() == 0
    assert torch.equal(prepared.sample(10)[0], inputs[:10])
    assert len(prepared.sample(10_000)[0]) == 320


class Recorder(LightningModule):
    """A linear classifier that notes the first values of what it trains on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(60, 2)
        self.seen: list[list[float]] = []

    def on_train_epoch_start(self) -> None:
        self.seen.append([])

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
        inputs, labels = batch
        self.seen[-1] += inputs[:, 0, 0, 0].tolist()
        return nn.functional.cross_entropy(self.layer(inputs.flatten(1)), labels)

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> None:
        inputs, labels = batch
        self.log("loss", nn.functional.cross_entropy(self.layer(inputs.flatten(1)), labels))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


# Lightning 2.6 with torch 2.14: a deprecated call of its own; every other warning is an error.
def test_lightning_trains_on_the_loaders_and_sets_their_epochs(data: ImageData, tmp_path: Path):
    prepared = prepare_images(data, SETTINGS, 0, CPU)
    recorder = Recorder()
    trainer = Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(recorder, datamodule=ImageDataModule(prepared, 32, seed=9))
    loader = ImageDataModule(prepared, 32, seed=9).train_dataloader()
    for epoch, seen in enumerate(recorder.seen):
        loader.sampler.set_epoch(epoch)
        assert seen == [value for inputs, _ in loader for value in inputs[:, 0, 0, 0].tolist()]
    assert recorder.seen[0] != recorder.seen[1]


def test_augmentation_is_of_training_batches_only(data: ImageData):
    prepared = prepare_images(data, SETTINGS, 0, CPU)
    plain = ImageDataModule(prepared, 32, seed=0)
    changed = ImageDataModule(prepared, 32, seed=0, augmentation=Augmentation(cutout=0.5))
    assert not torch.equal(all_inputs(changed, "train"), all_inputs(plain, "train"))
    for part in ("val", "test"):
        assert torch.equal(all_inputs(changed, part), all_inputs(plain, part))


def test_no_augmentation_makes_no_augmenter(data: ImageData):
    prepared = prepare_images(data, SETTINGS, 0, CPU)
    module = ImageDataModule(prepared, 32, seed=0, augmentation=Augmentation())
    assert module.train_dataloader().augment is None


@pytest.fixture
def mapped(data: ImageData, tmp_path: Path) -> ImageData:
    """The same set, its images in files."""

    def in_file(name: str, images: torch.Tensor) -> torch.Tensor:
        file = np.memmap(tmp_path / name, dtype=np.uint8, mode="w+", shape=tuple(images.shape))
        file[:] = images.numpy()
        return torch.from_numpy(file)

    return replace(
        data,
        train_images=in_file("train", data.train_images),
        test_images=in_file("test", data.test_images),
    )


@pytest.mark.parametrize("channels_last", [False, True])
def test_streamed_batches_are_the_resident_ones_bit_for_bit(
    data: ImageData, mapped: ImageData, channels_last: bool
):
    stream = SETTINGS.model_copy(update={"memory_limit_gb": 0.0})
    resident = prepare_images(data, SETTINGS, 0, CPU, channels_last=channels_last)
    streamed = prepare_images(mapped, stream, 0, CPU, channels_last=channels_last)
    assert (resident.images.resident, streamed.images.resident) == (True, False)
    augmentation = Augmentation(flip=True, shift=1, colour=0.3)
    modules = [ImageDataModule(each, 32, 9, augmentation) for each in (resident, streamed)]
    for part in ("train", "val", "test"):
        loaders = [getattr(module, f"{part}_dataloader")() for module in modules]
        for epoch in range(2):
            for loader in loaders:
                loader.sampler.set_epoch(epoch)
            for (ours, our_labels), (theirs, their_labels) in zip(*loaders, strict=True):
                assert torch.equal(ours, theirs)
                assert ours.stride() == theirs.stride()
                assert torch.equal(our_labels, their_labels)
    for ours, theirs in zip(resident.sample(50), streamed.sample(50), strict=True):
        assert torch.equal(ours, theirs)
    assert (resident.mean, resident.std) == (streamed.mean, streamed.std)


def test_streaming_does_not_copy_the_set(mapped: ImageData):
    stream = SETTINGS.model_copy(update={"memory_limit_gb": 0.0})
    prepared = prepare_images(mapped, stream, 0, CPU)
    assert prepared.images.pixels.data_ptr() == mapped.train_images.data_ptr()
    assert prepared.test.pixels.data_ptr() == mapped.test_images.data_ptr()


def test_set_is_resident_up_to_the_memory_limit(data: ImageData):
    size = (400 + 30) * 3 * 5 * 4
    for limit, resident in ((size, True), (size - 1, False)):
        settings = SETTINGS.model_copy(update={"memory_limit_gb": limit / 1e9})
        assert prepare_images(data, settings, 0, CPU).images.resident == resident
