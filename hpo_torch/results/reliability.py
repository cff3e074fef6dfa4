"""Is a model as often right as it says it is? The reliability diagram, and its one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS: Final = 15
FEW_EXAMPLES: Final = 1000
"""With fewer even a perfectly calibrated model has an error of about 0.04, with 100 of 0.12."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Predictions in bins of confidence (0, 1/15], (1/15, 2/15] ... (14/15, 1].

    Attributes:
        counts: int64 [15], predictions in each bin.
        confidences: float64 [15], sums of their confidences.
        right: int64 [15], how many are right.
    """

    counts: NDArray[np.int64]
    confidences: NDArray[np.float64]
    right: NDArray[np.int64]

    @classmethod
    def of(cls, confidences: NDArray[np.floating[Any]], correct: NDArray[np.bool_]) -> Reliability:
        """Sort predictions into the bins.

        Args:
            confidences: [N], probability of the predicted class, finite, 0..1.
            correct: bool [N].
        """
        # In float64: in float32 15 * (1/3) may be a hair above 5.
        exact = confidences.astype(np.float64)
        bins = np.clip(np.ceil(exact * BINS).astype(np.int64) - 1, 0, BINS - 1)
        return cls(
            counts=np.bincount(bins, minlength=BINS),
            confidences=np.bincount(bins, exact, minlength=BINS).astype(np.float64),
            right=np.bincount(bins[correct], minlength=BINS),
        )

    @property
    def expected_calibration_error(self) -> float:
        """ECE = sum_b n_b / n * |accuracy_b - confidence_b|, 0..1 (Guo et al. 2017).

        Source: arXiv 1706.04599, equation 3. It is too high below `FEW_EXAMPLES` predictions.
        """
        return float(np.abs(self.right - self.confidences).sum() / self.counts.sum())
