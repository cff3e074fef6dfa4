"""Training stability: did the loss go down straight, without spikes, and stay down?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import Probe, TrainingRecord

MIN_STEPS = 20  # fewer make less than five bins of four steps: no path to speak of
MAX_BINS = 20  # averages away mini-batch noise, still sees a rise in any twentieth of training
WINDOW = 20
MIN_WINDOW = 10  # the first steps are judged by what there is, from ten on
MAD_TO_SIGMA = 1.4826  # of a normal distribution
SPIKE_SIGMAS = 6.0
WORST_SPIKE_RATE = 0.05
FLOOR = 0.01  # a part at zero costs a factor of 0.01 ** (1/3), it does not hide the other two


def path_efficiency(losses: Sequence[float]) -> float:
    """Return the net descent of the loss over the length of its way, 0..1.

    With b_1..b_K the means of K = min(20, steps // 4) equal chunks and L_1 the first loss:
    max(0, L_1 - b_K) / (|b_1 - L_1| + sum |b_k - b_(k-1)|). 1 is a monotone descent, 0 no net
    progress; a constant loss is 0.

    Args:
        losses: One finite loss per step, at least four.
    """
    chunks = np.array_split(np.asarray(losses, dtype=np.float64), min(MAX_BINS, len(losses) // 4))
    path = np.array([losses[0], *(chunk.mean() for chunk in chunks)])
    length = np.abs(np.diff(path)).sum()
    return float(max(0.0, path[0] - path[-1]) / length) if length > 0.0 else 0.0


def spike_steps(losses: Sequence[float]) -> list[int]:
    """Return the steps, from 0, whose loss jumps out of the 20 steps before.

    On x = log loss: x_t - median > max(6 * 1.4826 * MAD, log 2), and the loss is above 5 % of the
    first one, so that noise around a loss of nearly nothing is no spike. Median and MAD are of the
    20 preceding steps; the first 10 steps are not judged, the next 10 by what precedes them.
    A robust z-score in the manner of ZClip (arXiv 2504.02507).
    """
    loss = np.asarray(losses, dtype=np.float64)
    x = np.log(np.maximum(loss, np.finfo(np.float64).tiny))
    jump = np.full(len(x), -np.inf)
    for t in range(MIN_WINDOW, min(WINDOW, len(x))):
        jump[t : t + 1] = _excess(x[None, :t], x[t : t + 1])
    if len(x) > WINDOW:
        windows = np.lib.stride_tricks.sliding_window_view(x[:-1], WINDOW)
        jump[WINDOW:] = _excess(windows, x[WINDOW:])
    return [int(t) for t in np.flatnonzero((jump > 0.0) & (loss > 0.05 * loss[0]))]


def _excess(windows: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each x lies above its window's limit: windows [n, w], x [n] -> [n]."""
    median = np.median(windows, axis=1)
    mad = np.median(np.abs(windows - median[:, None]), axis=1)
    limit = np.maximum(SPIKE_SIGMAS * MAD_TO_SIGMA * mad, math.log(2.0))
    return np.asarray(x - median - limit)


def retention(untrained_loss: float, validation_losses: Sequence[float]) -> float:
    """Return the share of the validation gain that is left at the end, 0..1.

    1 - clip((v_end - v_best) / (v_0 - v_best), 0, 1), and 0 if validation never improved.

    Args:
        untrained_loss: v_0, the loss before training; the first step's loss is a fair estimate.
        validation_losses: One finite validation loss per epoch, at least one.
    """
    best = min(validation_losses)
    if best >= untrained_loss:
        return 0.0
    lost = (validation_losses[-1] - best) / (untrained_loss - best)
    return 1.0 - min(1.0, lost)


class TrainingStability:
    """Geometric mean of path efficiency, freedom from spikes, and retention.

    0 as soon as one loss is not finite; None below 20 steps. Cyclic learning-rate schedules lower
    the path efficiency legitimately.
    """

    def observe(self, probe: Probe) -> None:
        """Need nothing of the network: the losses say it all."""

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score all steps and epochs so far, 0..1."""
        losses = record.step_losses
        validation = [epoch.val_loss for epoch in record.epochs]
        if not all(map(math.isfinite, (*losses, *validation))):
            return HealthReading(value=0.0, details={"finite": False, "steps": len(losses)})
        if len(losses) < MIN_STEPS:
            reason = f"needs {MIN_STEPS} training steps, there were {len(losses)}"
            return HealthReading(reason=reason)
        spikes = spike_steps(losses)
        rate = len(spikes) / (len(losses) - MIN_WINDOW)
        parts = {
            "path_efficiency": path_efficiency(losses),
            "spike_freedom": 1.0 - min(1.0, rate / WORST_SPIKE_RATE),
            "retention": retention(losses[0], validation),
        }
        value = math.prod(max(part, FLOOR) for part in parts.values()) ** (1.0 / len(parts))
        details = {**parts, "finite": True, "spikes": len(spikes), "steps": len(losses)}
        return HealthReading(value=value, details=details)
