"""What training, evaluation and health see of a data set, be its examples images or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from lightning.pytorch import LightningDataModule
    from torch import Tensor


class PreparedData(Protocol):
    """A data set as one trial sees it: split, on its device, batches ready to be made."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(channels, height, width) of an image; (D,) of a text, D the distinct tokens."""

    @property
    def input_spec(self) -> dict[str, Any]:
        """JSON: what it takes to turn raw examples into the network's inputs.

        "kind" and "shape" always; "mean" and "std" of images (see `PreparedImages`); "tokens",
        "sequence_length" and more of texts (see `hpo_torch.data.text_inputs`).
        """

    @property
    def majority_share(self) -> float:
        """A0, the share of the validation part's commonest class, 0..1."""

    @property
    def fingerprint(self) -> str:
        """Hash of the data set's content."""

    @property
    def train_size(self) -> int:
        """Number of examples that train."""

    @property
    def device(self) -> torch.device:
        """Where samples and batches are."""

    def sample(
        self, size: int, seed: int = 0, part: Literal["train", "validation"] = "train"
    ) -> tuple[Tensor, Tensor]:
        """Draw examples of a part, each class with its share; all of them if there are fewer.

        The first n are a stratified sample for every n (see `stratified_sample`).

        Returns:
            Inputs as the network gets them: float32 [P, C, H, W] normalised images, or int64
            [P, T] token ids padded with 0; and labels int64 [P]; both on the device.
        """

    def data_module(self, hyperparameters: Mapping[str, Any], seed: int) -> LightningDataModule:
        """Return Lightning's view: batches of (inputs, labels) for training, validation, test.

        Args:
            hyperparameters: Of the trial; "batch_size" and what the kind of data has besides.
            seed: Of the shuffling of the training part.
        """


class PreparedSource(Protocol):
    """A loaded data set, shared by all trials of a study in one process."""

    def for_trial(self, hyperparameters: Mapping[str, Any]) -> PreparedData:
        """Return the set as a trial with these hyperparameters sees it."""
