"""Texts as batches of token ids, long ones with long ones, so that little of them is padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from hpo_torch.data.text_inputs import TextEncoder

BATCH_SIZE = 256


class TextBatches:
    """Turns texts into batches for `TextProgram`.

    Args:
        encoder: The network's.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor]]]:
        """Yield positions int64 [B], and token ids int64 [B, T] and lengths [B] of these texts.

        Raises:
            InvalidValueError: Something is no text.
        """
        for text in texts:
            if not isinstance(text, str):
                raise InvalidValueError("text", "a str", text)
        store = self._encoder.encode(texts)
        order = store.lengths.argsort(stable=True)
        for start in range(0, len(order), BATCH_SIZE):
            positions = order[start : start + BATCH_SIZE]
            yield positions, (store.batch(positions)[0], store.lengths[positions])


def listed_texts(texts: Any) -> Sequence[str]:
    """Return one text or several as a sequence."""
    return [texts] if isinstance(texts, str) else list(texts)
