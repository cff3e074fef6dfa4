"""A test part for a network whose inputs are not made as this machine's data would make them.

What normalises images and which words are known comes from the training part. A network that was
trained on a part of the data has learned with other figures and other words; it brings its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hpo_torch.data.datamodule import PreparedImages
from hpo_torch.data.prepared_texts import PreparedTexts
from hpo_torch.data.text_inputs import TextEncoder
from hpo_torch.data.text_store import TextStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpo_torch.data.prepared import PreparedData


def with_inputs_of(
    prepared: PreparedData,
    input_spec: Mapping[str, Any],
    test_texts: Callable[[], Sequence[str]],
) -> PreparedData:
    """Return the set with its test part as the network wants it; itself where it is so already.

    Args:
        prepared: The whole set.
        input_spec: The network's `PreparedData.input_spec`.
        test_texts: Returns the texts of the test part; asked only where they must be read.
    """
    if dict(input_spec) == prepared.input_spec:
        return prepared
    if isinstance(prepared, PreparedImages):
        mean, std = tuple(input_spec["mean"]), tuple(input_spec["std"])
        return replace(prepared, mean=mean, std=std, test=prepared.test.normalised_by((mean, std)))
    if isinstance(prepared, PreparedTexts):
        ids = TextEncoder(input_spec).token_ids(test_texts())
        return replace(
            prepared,
            test=TextStore(ids, prepared.test.labels, prepared.device),
            vocabulary=tuple(input_spec["tokens"]),
        )
    return prepared
