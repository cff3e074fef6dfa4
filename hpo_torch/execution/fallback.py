"""A backend with another one behind it, which takes over once the first has failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hpo_torch.errors import HpoTorchError, InvalidValueError, UnknownNameError
from hpo_torch.protocol.events import TrainingFinished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpo_torch.execution.backend import ExecutionBackend, RunSite
    from hpo_torch.protocol.events import BackendEvent, FailureKind, Outcome
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage

SLICE_SECONDS = 0.05
"""How long one backend is listened to while the other one may speak too."""

WRONG_SETTING = (InvalidValueError, UnknownNameError)
"""What no other place mends: a typing error is to be seen, not to be worked around."""


class FallbackBackend:
    """Runs trials on a primary backend and, from its first failure on, on a secondary one.

    The primary has failed when a job of it ends for the place's fault ("backend"), when there is a
    job that it does not take any more (`refusal`), or when it cannot start. Jobs that still run on
    it go on there. Of a job that it failed it is said that its trial moves on: the study's next
    attempt at it goes, from the last stored epoch, to the secondary.

    Args:
        primary: Where trials run.
        make_secondary: Makes the other one, when it is needed and not before; may raise
            HpoTorchError, after which no more jobs are taken.
        names: Of both, for messages.
    """

    def __init__(
        self,
        primary: ExecutionBackend,
        make_secondary: Callable[[], ExecutionBackend],
        names: tuple[str, str],
    ) -> None:
        self._primary, self._make_secondary, self._names = primary, make_secondary, names
        self._site: RunSite | None = None
        self._up = False  # whether the primary could be started
        self._failure = ""  # why the primary gets no more jobs
        self._broken = ""  # why the secondary gets none
        self._secondary: ExecutionBackend | None = None
        self._secondary_up = False
        self._on_primary: dict[int, str] = {}  # attempt by trial
        self._on_secondary: dict[int, str] = {}
        self._waiting: list[TrialJob] = []  # for room on the secondary
        self._events: list[BackendEvent] = []  # said by neither
        self._warned = False  # that the primary's earlier jobs cannot be looked for

    @property
    def capacity(self) -> int:
        """How many trials may be in flight at once; what runs on both counts."""
        if self._secondary is None:
            # There is always room for the job that the primary refuses: it brings the secondary.
            one_more = len(self._on_primary) + 1 if self._primary.refusal else 0
            return max(self._primary.capacity, one_more)
        return len(self._on_primary) + self._secondary.capacity

    @property
    def refusal(self) -> str:
        """Why neither takes jobs."""
        if self._broken or self._secondary is None:
            return self._broken
        return self._secondary.refusal

    @property
    def settled(self) -> Mapping[str, RemoteUsage]:
        """What attempts used on either."""
        secondary = {} if self._secondary is None else self._secondary.settled
        return {**self._primary.settled, **secondary}

    @property
    def used(self) -> tuple[str, ...]:
        """Names of those that jobs went to, or were to go to."""
        return self._names if self._secondary_up else self._names[:1]

    def start(self, site: RunSite) -> None:
        """Bring up the primary's workers; if it cannot, the secondary gets the jobs.

        Raises:
            InvalidValueError, UnknownNameError: A setting is wrong.
        """
        self._site = site
        try:
            self._primary.start(site)
            self._up = True
        except WRONG_SETTING:
            raise
        except HpoTorchError as error:
            self._fall_back(str(error))

    def submit(self, job: TrialJob) -> None:
        """Give a job to the primary or, once that has failed, to the secondary."""
        if not self._failure and self._primary.refusal:
            self._fall_back(self._primary.refusal)
        if self._failure:
            self._waiting.append(job)
            self._hand_out()
        else:
            self._on_primary[job.trial] = job.attempt
            self._primary.submit(job)

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return what happened on both, in each one's order."""
        deadline = time.monotonic() + timeout
        events = self._collect(0.0)
        while not events and (left := deadline - time.monotonic()) > 0:
            events = self._collect(left)
        return events

    def stop(self, trial: int) -> None:
        """Ask a trial to end at its next step, wherever it runs."""
        for job in self._withdraw(trial):
            self._events.append(_ended(job, "stopped"))
        if trial in self._on_primary:
            self._primary.stop(trial)
        elif self._secondary is not None and trial in self._on_secondary:
            self._secondary.stop(trial)

    def kill(self, trial: int) -> None:
        """End a trial at once, wherever it runs."""
        for job in self._withdraw(trial):
            self._events.append(_failed(job, "worker_died", "killed before a worker was free"))
        if trial in self._on_primary:
            self._primary.kill(trial)
        elif self._secondary is not None and trial in self._on_secondary:
            self._secondary.kill(trial)

    def reattach(self, job: TrialJob) -> bool:
        """Take over a job that an earlier process gave to the primary or the secondary."""
        if not self._up:
            self._warn_of_earlier_jobs()
        elif self._primary.reattach(job):
            self._on_primary[job.trial] = job.attempt
            return True
        if self._secondary is not None and self._secondary_up and self._secondary.reattach(job):
            self._on_secondary[job.trial] = job.attempt
            return True
        return False

    def close(self) -> None:
        """End all workers of both."""
        try:
            self._primary.close()
        finally:
            if self._secondary is not None:
                self._secondary.close()

    def _fall_back(self, reason: str) -> None:
        """Turn to the secondary, once; it is started with its first job."""
        if self._failure:
            return
        self._failure = reason
        first, second = self._names
        try:
            self._secondary = self._make_secondary()
        except HpoTorchError as error:
            self._broken = f"{first}: {reason}; backend '{second}' cannot take over: {error}"
            return
        if self._site is not None:
            self._site.warn(f"{first}: {reason}; from now on trials run with backend '{second}'")

    def _warn_of_earlier_jobs(self) -> None:
        if not self._warned and self._site is not None:
            place = self._names[0]
            self._site.warn(f"{place}: jobs of an earlier process may still run there, and cost")
        self._warned = True

    def _collect(self, timeout: float) -> list[BackendEvent]:
        """Listen to whoever may speak: to both in turn, where both run something."""
        self._hand_out()
        events, self._events = self._events, []
        if not self._secondary_up:
            events += self._heard(self._primary, 0.0 if events else timeout)
        elif self._secondary is not None and not self._on_primary:
            events += self._heard(self._secondary, 0.0 if events else timeout)
        elif self._secondary is not None:
            events += self._heard(self._primary, 0.0)
            events += self._heard(self._secondary, 0.0 if events else min(timeout, SLICE_SECONDS))
        return events

    def _heard(self, backend: ExecutionBackend, timeout: float) -> list[BackendEvent]:
        """Return a backend's events; note what has ended, and whether the primary has failed."""
        first = backend is self._primary
        if first and not self._up:
            time.sleep(timeout)
            return []
        running = self._on_primary if first else self._on_secondary
        events: list[BackendEvent] = []
        for event in backend.poll(timeout):
            if isinstance(event, TrainingFinished):
                if running.get(event.trial) == event.attempt:
                    del running[event.trial]
                events.append(self._passed_on(event) if first else event)
            else:
                events.append(event)
        return events

    def _passed_on(self, event: TrainingFinished) -> TrainingFinished:
        if event.failure_kind != "backend":
            return event
        self._fall_back(event.message)
        if self._broken:
            return event.model_copy(update={"message": self._broken})
        return event.model_copy(update={"moves_on": True})

    def _hand_out(self) -> None:
        """Give waiting jobs to the secondary while it has room."""
        if self._waiting:
            self._start_secondary()
        secondary = self._secondary
        if self.refusal or secondary is None:
            self._events += [_failed(job, "backend", self.refusal) for job in self._waiting]
            self._waiting.clear()
            return
        while self._waiting and len(self._on_secondary) < secondary.capacity:
            job = self._waiting.pop(0)
            self._on_secondary[job.trial] = job.attempt
            secondary.submit(job)

    def _start_secondary(self) -> None:
        if self._secondary is None or self._site is None or self._secondary_up:
            return
        try:
            self._secondary.start(self._site)
            self._secondary_up = True
        except HpoTorchError as error:
            self._broken = str(error)

    def _withdraw(self, trial: int) -> list[TrialJob]:
        """Take back the trial's job if it waits: one or none."""
        withdrawn = [job for job in self._waiting if job.trial == trial]
        self._waiting = [job for job in self._waiting if job.trial != trial]
        return withdrawn


def _ended(job: TrialJob, outcome: Outcome) -> TrainingFinished:
    return TrainingFinished(trial=job.trial, attempt=job.attempt, outcome=outcome)


def _failed(job: TrialJob, kind: FailureKind, message: str) -> TrainingFinished:
    end = {"failure_kind": kind, "message": message}
    return _ended(job, "failed").model_copy(update=end)
