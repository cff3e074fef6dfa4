"""The states of a job, and which may follow which."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hpo_torch.plugin_api import UsageError


class JobState(StrEnum):
    """Where a job is on its way."""

    QUEUED = "queued"  # waits for its turn
    STARTING = "starting"  # its process starts, and prepares its data
    RUNNING = "running"  # its process works on the run
    PAUSING = "pausing"  # its process has been asked to end, to go on later
    PAUSED = "paused"
    STOPPING = "stopping"  # its process has been asked to end
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


ACTIVE: Final = frozenset(
    {JobState.STARTING, JobState.RUNNING, JobState.PAUSING, JobState.STOPPING}
)
"""States in which a job has, or may have, a process, and takes one of the places."""

ENDED: Final = frozenset({JobState.STOPPED, JobState.COMPLETED, JobState.FAILED})
"""States that nothing but the user's word ends."""

RESTING: Final = ENDED | {JobState.PAUSED}
"""States without a process, which wait for nothing."""

ALLOWED: Final[dict[JobState, frozenset[JobState]]] = {
    JobState.QUEUED: frozenset(
        {JobState.STARTING, JobState.PAUSED, JobState.STOPPED, JobState.FAILED}
    ),
    # To starting again where its process died, and another one takes over.
    JobState.STARTING: frozenset(
        {
            JobState.STARTING,
            JobState.RUNNING,
            JobState.PAUSING,
            JobState.STOPPING,
            JobState.COMPLETED,
            JobState.FAILED,
        }
    ),
    JobState.RUNNING: frozenset(
        {
            JobState.STARTING,
            JobState.PAUSING,
            JobState.STOPPING,
            JobState.COMPLETED,
            JobState.FAILED,
        }
    ),
    # It may have come to its end before it heard that it is to pause or stop.
    JobState.PAUSING: frozenset(
        {JobState.PAUSED, JobState.STOPPING, JobState.COMPLETED, JobState.FAILED}
    ),
    JobState.STOPPING: frozenset({JobState.STOPPED, JobState.COMPLETED, JobState.FAILED}),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.STOPPED}),
    JobState.STOPPED: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.COMPLETED: frozenset(),
}


class JobStateError(UsageError):
    """What was asked for cannot be done with a job in its state; the message says what can be."""

    def __init__(self, message: str, job: str, state: JobState) -> None:
        super().__init__(message)
        self.job, self.state = job, state


def check(old: JobState, new: JobState) -> None:
    """Accept a step from one state to another.

    Raises:
        ValueError: It is none of ALLOWED; a programming error.
    """
    if new not in ALLOWED[old]:
        following = ", ".join(sorted(ALLOWED[old])) or "nothing"
        raise ValueError(f"a {old} job cannot become {new}; expected one of: {following}")
