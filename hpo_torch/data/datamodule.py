"""An image set made ready for trials: split, measured, on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning.pytorch import LightningDataModule

from hpo_torch.data.augmentation import Augmentation, Augmenter
from hpo_torch.data.checks import check_image_data
from hpo_torch.data.device_loader import DeviceLoader
from hpo_torch.data.image_store import ImageStore
from hpo_torch.data.memory import memory_limit
from hpo_torch.data.pixel_statistics import pixel_statistics
from hpo_torch.data.splits import Split, stratified_sample, stratified_split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import ImageData

EVALUATION_BATCH_SIZE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImages:
    """An image set, split and on its device; shared by all trials that use it.

    It is its own `hpo_torch.data.prepared.PreparedSource`: no hyperparameter changes it.

    Attributes:
        images: The examples that train and validate.
        split: Which of them do which; positions beside the store's labels.
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

    @property
    def input_spec(self) -> dict[str, Any]:
        """JSON: what it takes to normalise raw images."""
        return {
            "kind": "image",
            "shape": list(self.input_shape),
            "mean": list(self.mean),
            "std": list(self.std),
        }

    @property
    def train_size(self) -> int:
        """Number of examples that train."""
        return len(self.split.train)

    @property
    def device(self) -> torch.device:
        """Where samples and batches are."""
        return self.images.device

    def for_trial(self, hyperparameters: Mapping[str, Any]) -> PreparedImages:
        """Return the set itself."""
        return self

    def sample(
        self, size: int, seed: int = 0, part: Literal["train", "validation"] = "train"
    ) -> tuple[Tensor, Tensor]:
        """Draw examples of a part, each class with its share; all of them if there are fewer.

        The first n are a stratified sample for every n (see `stratified_sample`).

        Returns:
            float32 [P, C, H, W], normalised as in training, and int64 [P], on the device.
        """
        among = self.split.train if part == "train" else self.split.validation
        chosen = stratified_sample(self.images.labels[among], size, seed).to(among.device)
        return self.images.batch(among[chosen])

    def data_module(self, hyperparameters: Mapping[str, Any], seed: int) -> ImageDataModule:
        """Return Lightning's view; "batch_size" and the "augment_..." ones are of training."""
        augmentation = Augmentation.of(hyperparameters)
        return ImageDataModule(self, hyperparameters["batch_size"], seed, augmentation)


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
        settings: `validation_split` is the share of the training set that validates,
            `memory_limit_gb` how large a set (a byte a value) may be to live on the device.
        split_seed: Decides which examples validate.
        device: Where batches live, and images that fit; other sets are streamed.
        channels_last: Memory format of the batches: the network's, which is then spared a copy.

    Raises:
        PluginError: The loader's arrays break their contract.
        DataError: The set cannot be split so.
    """
    check_image_data(settings.dataset, data)
    split = stratified_split(data.train_labels, settings.validation_share, split_seed, data.groups)
    statistics = pixel_statistics(data.train_images, split.train)
    size = data.train_images.numel() + data.test_images.numel()
    resident = size <= memory_limit(device, settings.memory_limit_gb)
    commonest = torch.bincount(data.train_labels[split.validation]).max()

    def store(images: Tensor, labels: Tensor) -> ImageStore:
        return ImageStore.build(
            images, labels, statistics, device, channels_last=channels_last, resident=resident
        )

    images = store(data.train_images, data.train_labels)
    home = images.labels.device
    return PreparedImages(
        images=images,
        split=Split(split.train.to(home), split.validation.to(home)),
        test=store(data.test_images, data.test_labels),
        mean=statistics[0],
        std=statistics[1],
        class_names=data.class_names,
        majority_share=int(commonest) / len(split.validation),
        fingerprint=data.fingerprint,
    )


class ImageDataModule(LightningDataModule):
    """Lightning's view of a prepared set.

    Args:
        prepared: The set.
        batch_size: Of training; a last batch of one example is left out (see `DeviceLoader`).
        seed: Of the shuffling and changing of the training part.
        augmentation: How much the images that train, and only those, are changed at random.
    """

    def __init__(
        self,
        prepared: PreparedImages,
        batch_size: int,
        seed: int,
        augmentation: Augmentation | None = None,
    ) -> None:
        super().__init__()
        self.prepared, self.batch_size, self.seed = prepared, batch_size, seed
        self.augmentation = augmentation or Augmentation()

    def train_dataloader(self) -> DeviceLoader:
        """Return the training part, shuffled and changed anew in every epoch."""
        changes = self.augmentation != Augmentation()
        prepared = self.prepared
        return DeviceLoader(
            prepared.images,
            prepared.split.train,
            self.batch_size,
            seed=self.seed,
            drop_single=True,
            augment=Augmenter(self.augmentation, prepared.mean, prepared.std) if changes else None,
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
