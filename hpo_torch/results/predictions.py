"""What a model said of every example of the test set: best_model/test_predictions.npz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from hpo_torch.results.array_files import damaged, read_arrays, write_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_FLOAT32 = 1 << 26
"""With more probabilities than so many (256 MiB) they are kept in half precision."""


def probability_type(examples: int, classes: int) -> type[np.floating[Any]]:
    """Return what probabilities of so many examples and classes are kept in.

    float32; of more than 2^26 values float16, whose error next to 1 is at most 0.00025.
    """
    return np.float32 if examples * classes <= _MOST_FLOAT32 else np.float16


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The probabilities of N examples' C classes, in the order of the test set.

    Attributes:
        probabilities: float32 [N, C], each row a softmax; float16 in a huge set (see
            `probability_type`); nan where the network's outputs were no numbers.
        labels: int64 [N], the true classes.
    """

    probabilities: NDArray[np.floating[Any]]
    labels: NDArray[np.int64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """int64 [N], the most probable class."""
        classes: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return classes

    @property
    def confidences(self) -> NDArray[np.floating[Any]]:
        """[N], the probability of the predicted class, 0..1."""
        highest: NDArray[np.floating[Any]] = self.probabilities.max(axis=1)
        return highest

    @property
    def correct(self) -> NDArray[np.bool_]:
        """bool [N], whether the predicted class is the true one."""
        right: NDArray[np.bool_] = self.predicted == self.labels
        return right

    def confident_mistakes(self, most: int) -> NDArray[np.int64]:
        """Return positions of at most so many wrong predictions, the most confident first."""
        return self._surest(~self.correct)[:most]

    def surest_correct(self) -> int | None:
        """Return the position of the most confident right prediction; None without any."""
        positions = self._surest(self.correct)
        return int(positions[0]) if len(positions) else None

    def _surest(self, among: NDArray[np.bool_]) -> NDArray[np.int64]:
        confidences = self.confidences
        positions = np.flatnonzero(among & np.isfinite(confidences))
        # Of equally confident ones the first in the set comes first.
        order = np.argsort(-confidences[positions], kind="stable")
        return positions[order]

    def write(self, path: Path) -> None:
        """Write the file, atomically; raises OutputError."""
        arrays = {"probabilities": self.probabilities, "labels": self.labels}
        write_arrays(path, arrays)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            OutputError: The file is missing or damaged; the message names it.
        """
        arrays = read_arrays(path, "probabilities", "labels")
        probabilities, labels = arrays["probabilities"], arrays["labels"]
        shapes = (probabilities.shape, labels.shape)
        if [len(shape) for shape in shapes] != [2, 1] or len(probabilities) != len(labels):
            raise damaged(path, f"probabilities and labels have the shapes {shapes}")
        return cls(probabilities, labels)
