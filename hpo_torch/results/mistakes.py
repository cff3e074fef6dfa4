"""Wrong predictions that a model was surest of, to be looked at: confident_mistakes.npz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from hpo_torch.results.array_files import damaged, read_arrays, write_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MOST_MISTAKES: Final = 24
MOST_CHARACTERS: Final = 300
"""Of a text, the dots that say what is left out among them."""

_COLUMNS = ("positions", "true", "predicted", "probabilities")


def beginning(text: str) -> str:
    """Return a text as it is kept: whole, or cut to `MOST_CHARACTERS` characters, dots at its end.

    >>> beginning("so " * 99 + "end")[-7:], beginning("so " * 100 + "end")[-7:]
    ('so end', 'so s …')
    """
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 2]} …"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mistakes:
    """At most `MOST_MISTAKES` examples of the test set, the most confident mistake first.

    Attributes:
        positions: int64 [K], in the test set.
        true: int64 [K], their classes.
        predicted: int64 [K], what they were taken for.
        probabilities: [K], of the predicted class, 0..1, falling.
        images: uint8 [K, H, W, C]; None of texts.
        texts: K of `beginning`; None of images.
    """

    positions: NDArray[np.int64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.floating[Any]]
    images: NDArray[np.uint8] | None = None
    texts: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def write(self, path: Path) -> None:
        """Write the file, atomically; raises OutputError."""
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _COLUMNS}
        if self.images is not None:
            arrays["images"] = self.images
        if self.texts is not None:
            arrays["texts"] = np.array(self.texts, dtype=np.str_)
        write_arrays(path, arrays)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            OutputError: The file is missing or damaged; the message names it.
        """
        arrays = read_arrays(path, *_COLUMNS)
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise damaged(path, f"its arrays have the lengths {lengths}")
        texts = arrays.get("texts")
        return cls(
            **{name: arrays[name] for name in _COLUMNS},
            images=arrays.get("images"),
            texts=None if texts is None else tuple(texts.tolist()),
        )
