"""From trials to what is posted: a job's input, and how long RunPod may keep and run it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import TRAIN_TARGET
from hpo_torch_runpod.job_input import JobInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.shipment import Shipment

TRIAL_SECONDS: Final = 3600.0
"""The longest that a trial without a time limit trains. RunPod's own default is ten minutes."""

STARTUP_SECONDS: Final = 300.0
"""Added to a trial's time limit: fetching data and building the network do not count for it."""

# RunPod's bounds of both figures, in seconds (docs.runpod.io, "Send API requests", 2026-08).
_LEAST_EXECUTION, _LEAST_TTL, _MOST = 5.0, 10.0, 7 * 24 * 3600.0


def execution_seconds(job: TrialJob) -> float:
    """Return the longest that one trial may take on its worker, seconds."""
    if job.timeout is None:
        return TRIAL_SECONDS
    return max(_LEAST_EXECUTION, job.timeout + STARTUP_SECONDS)


def policy(jobs: Sequence[TrialJob], settings: ExecutionSettings) -> dict[str, int]:
    """Return `executionTimeout` and `ttl` of a job that trains these, milliseconds.

    The ttl counts from submission and ends running jobs too, so it covers the wait: for a first
    worker, and behind all other jobs that may be in flight.
    """
    execution = min(sum(map(execution_seconds, jobs)), _MOST)
    ttl = settings.remote.queue_timeout + execution * settings.jobs
    return {
        "executionTimeout": round(1000 * execution),
        "ttl": round(1000 * min(max(ttl, _LEAST_TTL), _MOST)),
    }


class Submitter:
    """Makes jobs' inputs; used by several threads.

    Args:
        settings: Of the run.
        train_target: The training function.
        ship: Returns what a worker needs to have a job's own data; asked by one thread at a time.
    """

    def __init__(
        self,
        settings: ExecutionSettings,
        train_target: str,
        ship: Callable[[TrialJob], Shipment | None],
    ) -> None:
        self._settings = settings
        self._target = None if train_target == TRAIN_TARGET else train_target
        self._ship = ship
        self._lock = threading.Lock()

    def job_input(self, submission: str, jobs: Sequence[TrialJob]) -> dict[str, Any]:
        """Return the `input` of POST /run.

        Args:
            submission: Its id.
            jobs: The trials, of one data set; at least one.

        Raises:
            HpoTorchError: Own data cannot be read, or not sent.
        """
        with self._lock:
            data = self._ship(jobs[0])
        content = JobInput(
            submission=submission,
            trials=tuple(map(_for_travel, jobs)),
            data=None if data is None else data.model_dump(mode="json"),
            weights_of=tuple(job.attempt for job in jobs if job.output_dir is not None),
            bucket=self._settings.remote.bucket,
            train_target=self._target,
        )
        job_input: dict[str, Any] = json.loads(content.model_dump_json())
        return job_input

    def policy(self, jobs: Sequence[TrialJob]) -> dict[str, int]:
        """Return how long RunPod may keep and run the job."""
        return policy(jobs, self._settings)


def _for_travel(job: TrialJob) -> TrialJob:
    """Return the job as a worker gets it: folders and device are its own affair."""
    data = job.data.model_copy(update={"dir": None, "path": None, "download": True})
    return job.model_copy(update={"output_dir": None, "device": "auto", "data": data})
