"""What a validation pass said, kept so that no metric has to make another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


class ValidationRecorder:
    """Keeps the confidence and the correctness of every answer, on the device."""

    def __init__(self) -> None:
        self._confidences: list[Tensor] = []
        self._correct: list[Tensor] = []

    def clear(self) -> None:
        """Begin a pass."""
        self._confidences.clear()
        self._correct.clear()

    def keep(self, logits: Tensor, labels: Tensor) -> None:
        """Keep a batch: logits [B, classes] and labels int64 [B]."""
        # Half precision has steps of 0.004 near 1, which are bins of calibration.
        confidences, answers = logits.detach().float().softmax(dim=1).max(dim=1)
        self._confidences.append(confidences)
        self._correct.append(answers == labels)

    def answers(self) -> tuple[Tensor, Tensor] | None:
        """Return confidences float32 [V] and bool [V] of the pass; None where there was none."""
        if not self._confidences:
            return None
        return torch.cat(self._confidences), torch.cat(self._correct)
