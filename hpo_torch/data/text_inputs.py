"""Raw texts as a trained network's inputs, from what its checkpoint holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.data.text_store import TextStore
from hpo_torch.data.token_ids import TokenIds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


class TextEncoder:
    """Encodes texts as in training.

    Args:
        input_spec: `model.hparams["input_spec"]` of a classifier of texts.

    Raises:
        MissingDependencyError: The tokenizer's package does not work here.
    """

    def __init__(self, input_spec: Mapping[str, Any]) -> None:
        self._tokenizer = find_tokenizer(input_spec["tokenizer"]).of(input_spec["tokens"])
        self._longest: int = input_spec["sequence_length"]
        self._known = len(input_spec["tokens"])

    def encode(self, texts: Sequence[str]) -> TextStore:
        """Return at least one text as token ids on the CPU, for batches; all labels are 0."""
        labels = torch.zeros(len(texts), dtype=torch.int64)
        return TextStore(self.token_ids(texts), labels, torch.device("cpu"))

    def token_ids(self, texts: Sequence[str]) -> TokenIds:
        """Return texts as the network's token ids."""
        return TokenIds.of(self._tokenizer.encode(texts)).shorten(self._longest, self._known)


def text_inputs(texts: Sequence[str], input_spec: Mapping[str, Any]) -> Tensor:
    """Encode texts as in training.

    Args:
        texts: At least one, as they are.
        input_spec: `model.hparams["input_spec"]` of a classifier of texts.

    Returns:
        int64 [N, T] token ids on the CPU, 0 after a text's end.

    Raises:
        MissingDependencyError: The tokenizer's package does not work here.
    """
    return TextEncoder(input_spec).encode(texts).batch(torch.arange(len(texts)))[0]
