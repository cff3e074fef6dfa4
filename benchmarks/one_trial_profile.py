"""Where the seconds of hpo-torch's side go, beside the model: `one_trial.py --profile`.

A profiler that knows owners: the time of every call belongs to the nearest function above it, or
itself, that is hpo-torch's or Lightning's, so that what torch and Python do for a function counts
as that function's. Four things are kept apart: the network's forward pass (of training and of
validation), the backward pass, the steps of the optimiser and of the schedule. Measuring health and
writing the training's state are one line each, with all below. Only the epochs behind the first
count. What is called often costs more under a profiler than without: compare, do not add up.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from one_trial_figures import BACKWARD, FORWARD, SCHEDULE, STEP
from one_trial_product import run_trial

from hpo_torch.protocol.events import EpochFinished, TrainingFinished

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from one_trial_task import Task

    from hpo_torch.protocol.events import BackendEvent

OUTSIDE = "elsewhere"
_OWN = re.compile(
    r".*/((?:hpo_torch\w*|lightning|lightning_fabric|lightning_utilities)"
    r"/(?!.*site-packages/).*\.py)$"
)
_TORCH = {
    ("torch/nn/modules/module.py", "Module._wrapped_call_impl"): FORWARD,
    ("torch/_tensor.py", "Tensor.backward"): BACKWARD,
}
_HEALTH = "hpo_torch/health/monitor.py HealthMonitor.epoch_report"
_STATE = "hpo_torch/training/checkpoints.py StateFile.write"
_WITH_ALL_BELOW = frozenset({FORWARD, BACKWARD, _HEALTH, _STATE})


def label_of(path: str, name: str) -> str | None:
    """Name the owner that a function is; None where its time is its caller's.

    Args:
        path: Of its source file.
        name: Qualified, "Class.method".
    """
    path = path.replace("\\", "/")
    if found := _OWN.match(path):
        return f"{found[1]} {name}"
    if "/torch/optim/" in path:
        return SCHEDULE if path.endswith("/lr_scheduler.py") else STEP
    for (file, function), label in _TORCH.items():
        if name == function and path.endswith(f"/{file}"):
            return label
    return None


class Ledger:
    """Seconds and calls by owner, of the thread that starts it, from `start` to `stop`.

    Attributes:
        seconds: By owner.
        calls: Of the owner's functions.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self._owners: list[str] = []
        self._since = 0.0

    def start(self) -> None:
        """Begin; what has been called already has its owners too."""
        frames: list[FrameType] = []
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
        for each in reversed(frames):
            self._owners.append(self._owner(each.f_code))
        self._since = time.perf_counter()
        sys.setprofile(self._hear)

    def stop(self) -> None:
        """End."""
        sys.setprofile(None)
        self._settle()

    def _hear(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self._settle()
            owner = self._owner(frame.f_code)
            if self._owners[-1] not in _WITH_ALL_BELOW and owner == _label(frame.f_code):
                self.calls[owner] += 1
            self._owners.append(owner)
            self._since = time.perf_counter()
        elif event == "return":
            self._settle()
            self._owners.pop()
            self._since = time.perf_counter()

    def _settle(self) -> None:
        self.seconds[self._owners[-1]] += time.perf_counter() - self._since

    def _owner(self, code: CodeType) -> str:
        above = self._owners[-1] if self._owners else OUTSIDE
        return above if above in _WITH_ALL_BELOW else _label(code) or above


@cache
def _label(code: CodeType) -> str | None:
    return label_of(code.co_filename, code.co_qualname)


def train(task: Task) -> dict[str, Any]:
    """Train the trial under the profiler.

    Returns:
        seconds, calls: By owner, of all epochs behind the first.
        steps: Of the optimiser, in those.
    """
    ledger = Ledger()
    heard: list[BackendEvent] = []

    def hear(event: BackendEvent) -> None:
        heard.append(event)
        if isinstance(event, EpochFinished) and event.metrics.epoch == 1:
            ledger.start()
        elif isinstance(event, EpochFinished) and event.metrics.epoch == task.epochs:
            ledger.stop()

    run_trial(task, hear)
    finished = heard[-1]
    if not isinstance(finished, TrainingFinished) or finished.outcome != "completed":
        raise RuntimeError(f"the trial has not completed: {finished}")
    examples = len(task.arrays().train_labels)
    steps = math.ceil(examples / task.hyperparameters["batch_size"]) * (task.epochs - 1)
    return {"seconds": ledger.seconds, "calls": ledger.calls, "steps": steps}
