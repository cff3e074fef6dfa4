"""A data set made ready for trials: split, measured, on the device, loaded once per process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningDataModule

from hpo_torch.data.checks import check_image_data
from hpo_torch.data.device_loader import DeviceLoader
from hpo_torch.data.image_store import ImageStore
from hpo_torch.data.location import data_dir
from hpo_torch.data.pixel_statistics import pixel_statistics
from hpo_torch.data.spec import DataRequest
from hpo_torch.data.splits import Split, stratified_sample, stratified_split

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import DatasetLoader, ImageData

EVALUATION_BATCH_SIZE = 1024
_KEPT_SETS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImages:
    """An image set, split and on its device; shared by all trials that use it.

    Attributes:
        images: The examples that train and validate.
        split: Which of them do which.
        test: The official test set; scored once, for the winner.
        mean: By channel, of the training part's pixels on a scale of 0..1.
        std: Likewise; both normalise all three parts.
        class_names: One per class.
        majority_share: A0, the share of the validation part's commonest class, 0..1.
        fingerprint: Of the data set's content.
    """

    images: ImageStore
    split: Split
    test: ImageStore
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    majority_share: float
    fingerprint: str

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one example."""
        return self.images.shape

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def sample(self, size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Draw training examples, each class with its share; all of them if there are fewer.

        The first n are a stratified sample for every n (see `stratified_sample`).

        Returns:
            float32 [P, C, H, W], normalised as in training, and int64 [P], on the device.
        """
        train = self.split.train
        chosen = stratified_sample(self.images.labels[train], size, seed).to(train.device)
        return self.images.batch(train[chosen])


def prepare_images(
    data: ImageData,
    settings: DataSettings,
    split_seed: int,
    device: torch.device,
    *,
    channels_last: bool = True,
) -> PreparedImages:
    """Split a set, measure its training part, and lay it out on a device.

    Args:
        data: The whole set.
        settings: `validation_split` is the share of the training set that validates.
        split_seed: Decides which examples validate.
        device: Where images and batches live; the set has to fit there (a byte a value).
        channels_last: Memory format of the batches: the network's, which is then spared a copy.

    Raises:
        PluginError: The loader's arrays break their contract.
        DataError: The set cannot be split so.
    """
    check_image_data(settings.dataset, data)
    split = stratified_split(data.train_labels, settings.validation_split, split_seed, data.groups)
    statistics = pixel_statistics(data.train_images[split.train])
    commonest = torch.bincount(data.train_labels[split.validation]).max()

    def store(images: Tensor, labels: Tensor) -> ImageStore:
        return ImageStore.build(images, labels, statistics, device, channels_last=channels_last)

    return PreparedImages(
        images=store(data.train_images, data.train_labels),
        split=Split(split.train.to(device), split.validation.to(device)),
        test=store(data.test_images, data.test_labels),
        mean=statistics[0],
        std=statistics[1],
        class_names=data.class_names,
        majority_share=int(commonest) / len(split.validation),
        fingerprint=data.fingerprint,
    )


def load_prepared(
    loader: DatasetLoader, settings: DataSettings, split_seed: int, device: torch.device
) -> PreparedImages:
    """Load and prepare a set; a long-lived worker does so once, not once a trial.

    The last two sets are kept. A set whose files change on disk meanwhile is not read again.

    Args:
        loader: The data set's loader; its files must be prepared (`DatasetLoader.prepare`).
        settings: Which set, where its files are, and how it is split.
        split_seed: Decides which examples validate.
        device: Where images and batches live.

    Raises:
        DataError: Files are missing or damaged, or the set cannot be split so.
        PluginError: The loader's arrays break their contract.
    """
    return _load(_Source(loader, settings, split_seed, device))


@dataclass(frozen=True, slots=True)
class _Source:
    loader: DatasetLoader = field(compare=False)  # the name in `settings` stands for it
    settings: DataSettings
    split_seed: int
    device: torch.device


@lru_cache(maxsize=_KEPT_SETS)
def _load(source: _Source) -> PreparedImages:
    settings = source.settings
    request = DataRequest(data_dir=data_dir(settings.dir), download=settings.download)
    data = source.loader.load(request)
    return prepare_images(data, settings, source.split_seed, source.device)


class ImageDataModule(LightningDataModule):
    """Lightning's view of a prepared set.

    Args:
        prepared: The set.
        batch_size: Of training; a last batch of one example is left out (see `DeviceLoader`).
        seed: Of the shuffling of the training part.
    """

    def __init__(self, prepared: PreparedImages, batch_size: int, seed: int) -> None:
        super().__init__()
        self.prepared, self.batch_size, self.seed = prepared, batch_size, seed

    def train_dataloader(self) -> DeviceLoader:
        """Return the training part, shuffled anew in every epoch."""
        return DeviceLoader(
            self.prepared.images,
            self.prepared.split.train,
            self.batch_size,
            seed=self.seed,
            drop_single=True,
        )

    def val_dataloader(self) -> DeviceLoader:
        """Return the validation part, in order."""
        return DeviceLoader(
            self.prepared.images, self.prepared.split.validation, EVALUATION_BATCH_SIZE
        )

    def test_dataloader(self) -> DeviceLoader:
        """Return the official test set, in order."""
        test = self.prepared.test
        return DeviceLoader(test, torch.arange(len(test)), EVALUATION_BATCH_SIZE)
