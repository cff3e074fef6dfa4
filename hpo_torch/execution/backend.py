"""Where trials run: the protocol that local processes, rented GPUs and clusters all follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSite:
    """The run that a backend works for.

    Attributes:
        folder: The run's. What a backend itself has to remember across processes goes to
            `backend_folder`, which it makes when it needs it.
        warn: Takes one line about something that went wrong without ending the study.
    """

    folder: Path
    warn: Callable[[str], None]

    @property
    def backend_folder(self) -> Path:
        """Where the backend's own files go; may not exist."""
        return self.folder / "backend"


class ExecutionBackend(Protocol):
    """Runs trials and says what they do. Every method is called from one thread.

    For each submitted job the backend delivers, in order: at most one `TrialStarted`, the
    `EpochFinished` and `HealthAlert`s of its epochs, and exactly one `TrainingFinished`, also when
    the worker died ("failed", "worker_died"). Where nothing can be trained any more (a full disk,
    no answer from a cloud) it says "backend": the study ends, and asks for that attempt again when
    it is resumed (`reattach`). A trial's own error never raises here. Events may arrive twice or
    late (a network repeats messages): the study goes by attempt and epoch.
    """

    @property
    def capacity(self) -> int:
        """How many trials may be in flight at once."""

    @property
    def refusal(self) -> str:
        """Why no more jobs are taken (the money is used up); "" while they are.

        The study submits none from then on, waits for those in flight, and ends with that reason,
        to be resumed.
        """

    @property
    def settled(self) -> Mapping[str, RemoteUsage]:
        """What attempts of this run used of rented hardware, by attempt, as far as that is known.

        Also of attempts whose `TrainingFinished` nobody heard, because their process ended before,
        and in earlier processes. Asked after `close` too; empty on own hardware.
        """

    def start(self, site: RunSite) -> None:
        """Bring up workers for a run; returns without waiting until they are ready."""

    def submit(self, job: TrialJob) -> None:
        """Take one job; never called with more than `capacity` jobs in flight, or a `refusal`."""

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return what happened, in order; wait at most `timeout` seconds for something to."""

    def stop(self, trial: int) -> None:
        """Ask a trial to end at its next step; its `TrainingFinished` says "stopped"."""

    def kill(self, trial: int) -> None:
        """End a trial at once, hung or not, with its worker if need be.

        Its `TrainingFinished` says "failed" ("worker_died"), unless it ended by itself before.
        """

    def reattach(self, job: TrialJob) -> bool:
        """Take over a job that an earlier process submitted and that may still run.

        That it ended for the place's fault ("backend") says only that the place was not heard of
        any more: such a job is asked for too, and is found if it may say more than that.

        Returns:
            Whether it was found; its events follow as if it had been submitted here. False where
            it is gone: the study submits another attempt. Always False where jobs die with the
            process that submitted them.
        """

    def close(self) -> None:
        """End all workers, running or not, and free everything; may be called twice."""


class BackendFactory(Protocol):
    """What a `BackendSpec`'s target is."""

    def __call__(self, settings: ExecutionSettings) -> ExecutionBackend:
        """Check the settings and make a backend; nothing is started yet.

        Raises:
            DeviceUnavailableError: The device asked for is absent.
        """
