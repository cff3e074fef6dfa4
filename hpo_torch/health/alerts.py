"""What a person should know at once about a training, in plain words."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPLODING_FACTOR = 100.0  # gradient health counts spikes from 10 on; this is a decade above
MIN_NORMS = 10


def training_alerts(step_losses: Sequence[float], gradient_norms: Sequence[float]) -> list[str]:
    """Tell of losses or gradients that are not finite, and of exploding gradients.

    Args:
        step_losses: Training loss of every step so far.
        gradient_norms: Sampled global gradient norms so far; the last one counts as exploding
            above 100 times the median of those before, once there are 10.

    Returns:
        One sentence for each finding, the same as long as the finding is.
    """
    alerts = []
    for t, loss in enumerate(step_losses, start=1):
        if not math.isfinite(loss):
            alerts.append(f"the training loss became {loss} at step {t}")
            break
    if not all(map(math.isfinite, gradient_norms)):
        alerts.append("a gradient was not finite")
    finite = [norm for norm in gradient_norms if math.isfinite(norm)]
    if len(finite) > MIN_NORMS and (usual := median(finite[:-1])) > 0.0:
        factor = finite[-1] / usual
        if factor > EXPLODING_FACTOR:
            alerts.append("the gradient norm explodes: over 100 times its median so far")
    return alerts
