"""Alarms: when a training has no way back, so that going on would waste its time."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from hpo_torch.health.alerts import EXPLODING_FACTOR, MIN_NORMS
from hpo_torch.search.objectives import FULL_SKILL, skill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.protocol.measurements import EpochMetrics

_MOST = 0.5


class Alarms:
    """Judges after every epoch whether a training is hopeless.

    It is where something is broken at two epochs in a row, and neither shows any skill: the network
    answers hardly better than the majority class, and no better than before. Either sign alone is
    not enough. A broken layer may be passed by, or recover while it still learns; a network
    without skill may need time. A loss that is not finite is none of this: it ends a training at
    once, elsewhere.

    Args:
        baseline_accuracy: A0, the majority class's share of the validation part, 0..1.
    """

    def __init__(self, baseline_accuracy: float) -> None:
        self._baseline = baseline_accuracy
        self._raised: list[str] = []
        self._ends: list[int] = [0]

    def judge(
        self,
        raised: Sequence[str],
        gradient_norms: Sequence[float],
        epochs: Sequence[EpochMetrics],
    ) -> str | None:
        """Take in a finished epoch; call once after every one.

        Args:
            raised: What metrics say is broken now; the same words as long as it is the same.
            gradient_norms: All that were sampled so far.
            epochs: All finished epochs, this one last.

        Returns:
            Why the training is hopeless, in a sentence without full stop; None if it is not.
        """
        self._ends.append(len(gradient_norms))
        broken = [sentence for sentence in raised if sentence in self._raised]
        broken += broken_gradients(gradient_norms, self._ends)
        self._raised = list(raised)
        if not broken or not self._learns_nothing(epochs):
            return None
        accuracy = epochs[-1].val_accuracy
        return (
            f"{'; '.join(broken)}: so in epochs {epochs[-2].epoch} and {epochs[-1].epoch}, with a "
            f"validation accuracy of {accuracy:.3f} (majority class: {self._baseline:.3f})"
        )

    def _learns_nothing(self, epochs: Sequence[EpochMetrics]) -> bool:
        idle = all(skill(e.val_accuracy, self._baseline) < FULL_SKILL for e in epochs[-2:])
        return idle and epochs[-1].val_accuracy <= max(e.val_accuracy for e in epochs[:-1])

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs to go on judging."""
        return {"raised": list(self._raised), "ends": list(self._ends)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._raised, self._ends = list(state["raised"]), list(state["ends"])


def broken_gradients(norms: Sequence[float], ends: Sequence[int]) -> list[str]:
    """Tell whether most sampled gradients of each of the last two epochs are broken.

    That is: not finite, or above 100 times the median of all finite ones before these two epochs,
    once there are 10. A few non-finite ones are usual at the start of float16 training.

    Args:
        norms: All that were sampled so far.
        ends: How many had been at the end of each epoch, after a first 0.
    """
    if len(ends) < len(("start", "epoch", "epoch")):
        return []
    start, middle, end = ends[-3:]
    last_two = norms[start:middle], norms[middle:end]
    if all(_most([not math.isfinite(norm) for norm in epoch]) for epoch in last_two):
        return ["most sampled gradients are not finite"]
    before = [norm for norm in norms[:start] if math.isfinite(norm)]
    if len(before) < MIN_NORMS or (usual := median(before)) <= 0.0:
        return []
    high = EXPLODING_FACTOR * usual
    if all(_most([not norm <= high for norm in epoch]) for epoch in last_two):
        return [f"most sampled gradients are over {EXPLODING_FACTOR:.0f} times their median before"]
    return []


def _most(broken: Sequence[bool]) -> bool:
    return sum(broken) > _MOST * len(broken)
