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
    tokenizer = find_tokenizer(input_spec["tokenizer"]).of(input_spec["tokens"])
    whole = TokenIds.of(tokenizer.encode(texts))
    short = whole.shorten(input_spec["sequence_length"], len(input_spec["tokens"]))
    store = TextStore(short, torch.zeros(len(texts), dtype=torch.int64), torch.device("cpu"))
    return store.batch(torch.arange(len(texts)))[0]
