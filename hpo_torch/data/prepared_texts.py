"""A text set made ready for trials: split, encoded, shortened as a trial's hyperparameters say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning.pytorch import LightningDataModule

from hpo_torch.data.checks import check_text_data
from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.data.location import data_dir
from hpo_torch.data.splits import Split, stratified_sample, stratified_split
from hpo_torch.data.text_encoding import TextEncoding, encode_texts
from hpo_torch.data.text_loader import TextLoader
from hpo_torch.data.text_store import TextStore
from hpo_torch.data.tokenizer import PADDING, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import TextData

EVALUATION_BATCH_SIZE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """A text set as numbers, for any vocabulary size and sequence length.

    Attributes:
        encoding: All texts, whole, with every token of the training part.
        train_labels: int64 [N], of the examples that train and validate.
        test_labels: int64 [M], of the official test set.
        split: Which of the N do which.
        class_names: One per class.
        tokenizer: Name of the tokenizer.
        fingerprint: Of the data set's content.
        device: Where ids and batches live.
    """

    encoding: TextEncoding
    train_labels: Tensor
    test_labels: Tensor
    split: Split
    class_names: tuple[str, ...]
    tokenizer: str
    fingerprint: str
    device: torch.device

    def for_trial(self, hyperparameters: Mapping[str, Any]) -> PreparedTexts:
        """Return the set with `vocab_size` known tokens and texts of up to `sequence_length`."""
        known, longest = hyperparameters["vocab_size"], hyperparameters["sequence_length"]
        return PreparedTexts(
            source=self,
            texts=TextStore(
                self.encoding.train.shorten(longest, known), self.train_labels, self.device
            ),
            test=TextStore(
                self.encoding.test.shorten(longest, known), self.test_labels, self.device
            ),
            vocabulary=self.encoding.tokens[:known],
            sequence_length=longest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTexts:
    """A text set as one trial sees it; a `hpo_torch.data.prepared.PreparedData`.

    Attributes:
        source: The set that it is made of.
        texts: The examples that train and validate.
        test: The official test set; scored once, for the winner.
        vocabulary: The known tokens; a token's place is its id.
        sequence_length: Most tokens of a text.
    """

    source: TextSource
    texts: TextStore
    test: TextStore
    vocabulary: tuple[str, ...]
    sequence_length: int

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class."""
        return self.source.class_names

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int]:
        """(D,): D distinct tokens in the training part, special ones included."""
        return (len(self.source.encoding.tokens),)

    @property
    def input_spec(self) -> dict[str, Any]:
        """JSON: what `hpo_torch.data.text_inputs` needs to encode raw texts."""
        return {
            "kind": "text",
            "shape": list(self.input_shape),
            "tokenizer": self.source.tokenizer,
            "tokens": list(self.vocabulary),
            "sequence_length": self.sequence_length,
            "padding": PADDING,
            "unknown": UNKNOWN,
        }

    @property
    def majority_share(self) -> float:
        """A0, the share of the validation part's commonest class, 0..1."""
        labels = self.source.train_labels[self.source.split.validation]
        return int(torch.bincount(labels).max()) / len(labels)

    @property
    def fingerprint(self) -> str:
        """Hash of the data set's content."""
        return self.source.fingerprint

    @property
    def train_size(self) -> int:
        """Number of examples that train."""
        return len(self.source.split.train)

    @property
    def device(self) -> torch.device:
        """Where samples and batches are."""
        return self.source.device

    def sample(
        self, size: int, seed: int = 0, part: Literal["train", "validation"] = "train"
    ) -> tuple[Tensor, Tensor]:
        """Draw examples of a part, each class with its share; all of them if there are fewer.

        Returns:
            int64 [P, T] token ids, 0 after a text's end, and int64 [P], on the device.
        """
        split = self.source.split
        among = split.train if part == "train" else split.validation
        return self.texts.batch(
            among[stratified_sample(self.source.train_labels[among], size, seed)]
        )

    def data_module(self, hyperparameters: Mapping[str, Any], seed: int) -> TextDataModule:
        """Return Lightning's view; "batch_size" is of training."""
        return TextDataModule(self, hyperparameters["batch_size"], seed)


class TextDataModule(LightningDataModule):
    """Lightning's view of a prepared text set.

    Args:
        prepared: The set.
        batch_size: Of training.
        seed: Of the shuffling of the training part.
    """

    def __init__(self, prepared: PreparedTexts, batch_size: int, seed: int) -> None:
        super().__init__()
        self.prepared, self.batch_size, self.seed = prepared, batch_size, seed

    def train_dataloader(self) -> TextLoader:
        """Return the training part, shuffled anew in every epoch, in batches of like length."""
        prepared = self.prepared
        return TextLoader(
            prepared.texts, prepared.source.split.train, self.batch_size, seed=self.seed
        )

    def val_dataloader(self) -> TextLoader:
        """Return the validation part, sorted by length."""
        prepared = self.prepared
        return TextLoader(prepared.texts, prepared.source.split.validation, EVALUATION_BATCH_SIZE)

    def test_dataloader(self) -> TextLoader:
        """Return the official test set, sorted by length."""
        test = self.prepared.test
        return TextLoader(test, torch.arange(len(test)), EVALUATION_BATCH_SIZE)


def prepare_texts(
    data: TextData, settings: DataSettings, split_seed: int, device: torch.device
) -> TextSource:
    """Split a set, learn its training part's vocabulary, and encode all texts.

    Args:
        data: The whole set.
        settings: `validation_split` is the share of the training set that validates, `tokenizer`
            how texts are split, and `dir` where encodings are kept.
        split_seed: Decides which examples validate.
        device: Where ids and batches live.

    Raises:
        PluginError: The loader's data break their contract.
        DataError: The set cannot be split so.
        MissingDependencyError: The tokenizer's package does not work here.
    """
    check_text_data(settings.dataset, data)
    split = stratified_split(data.train_labels, settings.validation_share, split_seed, data.groups)
    folder = data_dir(settings.dir) / "cache" / "texts"
    tokenizer = find_tokenizer(settings.tokenizer)
    return TextSource(
        encoding=encode_texts(data, split.train, tokenizer, folder),
        train_labels=data.train_labels,
        test_labels=data.test_labels,
        split=split,
        class_names=data.class_names,
        tokenizer=settings.tokenizer,
        fingerprint=data.fingerprint,
        device=device,
    )
