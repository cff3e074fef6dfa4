"""Which trial is in which job: hands trials out, and turns jobs' reports into events."""

from __future__ import annotations

import queue
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import TrainingFinished, TrialStarted
from hpo_torch_runpod.endings import Failure, failed, stopped
from hpo_torch_runpod.ledger import Followed
from hpo_torch_runpod.proving import Proving
from hpo_torch_runpod.remote_job import RemoteJob
from hpo_torch_runpod.reports import GivenBack, Moved, Order, Over, Said, Used, Warned

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.accounts import Accounts
    from hpo_torch_runpod.meter import Tariff
    from hpo_torch_runpod.reports import Report, Surroundings


@dataclass(slots=True)
class Flight:
    """A trial in flight.

    Attributes:
        job: What is trained.
        tariff: Of the endpoint that it is for.
        remote: The job that has it; None while it waits for one.
        started: Its first word; None before.
        stopping: Whether it was asked to end.
        problem: Why no money is set aside for it yet; "" once it is.
    """

    job: TrialJob
    tariff: Tariff
    remote: RemoteJob | None = None
    started: TrialStarted | None = None
    stopping: bool = False
    problem: str = ""


class Dispatcher:
    """Used by the study's thread alone.

    At most `execution.jobs` jobs are in flight, and one on an endpoint that has not proven itself;
    trials wait for one of them to end, and up to `trials_per_job` of those that wait go into one.

    Args:
        settings: Of the run.
        accounts: The run's money.
        around: What jobs share.
        warn: Takes one line.

    Attributes:
        flights: Trials whose end was not told, by number.
        remotes: Jobs whose threads have not ended.
    """

    def __init__(
        self,
        settings: ExecutionSettings,
        accounts: Accounts,
        around: Surroundings,
        warn: Callable[[str], None],
    ) -> None:
        self._settings, self._accounts, self._around, self._warn = settings, accounts, around, warn
        self.flights: dict[int, Flight] = {}
        self.remotes: list[RemoteJob] = []
        self._proving = Proving(around.ledger)
        self._events: list[BackendEvent] = []
        self._over: list[RemoteJob] = []  # whose last words may not have been heard yet

    def submit(self, job: TrialJob, tariff: Tariff, *, problem: str = "") -> None:
        """Take a trial, which `hand_out` puts into a job.

        Args:
            job: The trial.
            tariff: Of the endpoint that it is for.
            problem: Why no money could be set aside for it; it waits until that can be done.
        """
        self.flights[job.trial] = Flight(job, tariff, problem=problem)

    def follow(self, flight: Flight, job_id: str) -> None:
        """Have a trial followed that a job trains which was posted before."""
        self.flights[flight.job.trial] = flight
        running = (each for each in self.remotes if each.id == job_id and not each.ended)
        remote = next(running, None)
        if remote is None:
            self._start(self._found(flight.job, flight.tariff, job_id), [flight])
        else:
            flight.remote = remote
            remote.give(Order("adopt", flight.job))
        if flight.stopping and flight.remote is not None:
            flight.remote.give(Order("stop", flight.job))

    def stop(self, trial: int) -> None:
        """Ask a trial to end; one that is not in flight has ended already."""
        flight = self.flights.get(trial)
        if flight is None:
            return
        flight.stopping = True
        if flight.remote is None:
            self._end(stopped(flight.job))
        else:
            flight.remote.give(Order("stop", flight.job))

    def kill(self, trial: int) -> None:
        """End a trial at once; one that is not in flight has ended already."""
        flight = self.flights.get(trial)
        if flight is None:
            return
        end = failed(flight.job, Failure("worker_died", "killed"))
        if flight.remote is None:
            self._end(end)
            return
        # What it has cost is settled once the job has ended.
        usage = flight.remote.meter.estimate(flight.started)
        del self.flights[trial]
        self._events.append(end.model_copy(update={"usage": usage}))
        flight.remote.give(Order("kill", flight.job))

    def collect(self) -> list[BackendEvent]:
        """Return what has happened."""
        while not self._around.outbox.empty():
            self._handle(self._around.outbox.get())
        events, self._events = self._events, []
        return events

    def wait(self, seconds: float) -> None:
        """Wait until something happens, at most so long."""
        try:
            self._handle(self._around.outbox.get(timeout=seconds))
        except queue.Empty:
            return

    def forget_told(self) -> None:
        """Remove what was kept of jobs whose ends the study has heard of."""
        while self._over:
            self._over.pop().forget_received()

    def end(self) -> None:
        """Settle what is known of the jobs, of which none is followed any more.

        Those whose threads have not ended may run on: the ledger leads the next process to them.
        What nobody has heard of is kept for it.
        """
        self.forget_told()
        while not self._around.outbox.empty():
            match self._around.outbox.get():
                case Moved(_, to):
                    self._warn(f"RunPod: job {to} may run on: see the console")
                case Over(remote, error) if error is not None:
                    self.remotes.remove(remote)
                    self._warn(f"RunPod: job {remote.id} may run on: {error}")
                case report:
                    self._handle(report)
        for flight in list(self.flights.values()):
            if flight.remote is None:
                self._end(stopped(flight.job))
        for remote in self.remotes:
            self._warn(f"RunPod: job {remote.id or '(not known)'} may run on: see the console")

    def hand_out(self) -> None:
        """Put trials that wait into jobs, as far as there is room.

        Not while there are events to be told: what the study submits in answer may share a job.
        """
        self._pay()
        while batch := self._next_batch():
            jobs, tariff = [each.job for each in batch], batch[0].tariff
            held = max(self._accounts.most(job, tariff) for job in jobs)
            self._start(RemoteJob(jobs, self._around, tariff, held=held), batch)

    def _next_batch(self) -> list[Flight]:
        """Return the trials of one more job; [] where there are none, or there is no room.

        A job for which its endpoint can have no worker would only wait there, and its costs would
        seem to grow meanwhile.
        """
        jobs = self._jobs_by_endpoint()
        if jobs.total() >= self._settings.jobs:
            return []
        waiting = [each for each in self.flights.values() if not (each.remote or each.problem)]
        wanted = (each.tariff.endpoint for each in waiting)
        endpoint = next((each for each in wanted if jobs[each] < self._most_jobs(each)), None)
        fitting = [each for each in waiting if each.tariff.endpoint == endpoint]
        return fitting[: self._settings.remote.trials_per_job]

    def _most_jobs(self, endpoint: str) -> float:
        return self._accounts.workers(endpoint) if self._proving.has(endpoint) else 1

    def _pay(self) -> None:
        """Set money aside that has become free; with nothing in flight none ever does."""
        for flight in [each for each in self.flights.values() if each.problem]:
            flight.problem = self._accounts.reserve(flight.job, flight.tariff)
            if flight.problem and all(each.problem for each in self.flights.values()):
                self._end(failed(flight.job, Failure("backend", flight.problem)))

    def _jobs_by_endpoint(self) -> Counter[str]:
        """Count the jobs that train something; killed ones may take a while to end."""
        jobs = {id(each.remote): each.remote for each in self.flights.values() if each.remote}
        return Counter(job.endpoint for job in jobs.values())

    def _found(self, job: TrialJob, tariff: Tariff, job_id: str) -> RemoteJob:
        held = self._accounts.most(job, tariff)
        return RemoteJob([job], self._around, tariff, held=held, found=job_id)

    def _start(self, remote: RemoteJob, flights: list[Flight]) -> None:
        for flight in flights:
            flight.remote = remote
        self.remotes.append(remote)
        remote.start()

    def _handle(self, report: Report) -> None:
        match report:
            case Said(event):
                self._hear(event)
            case GivenBack(job):
                self._take_back(job)
            case Moved(job, to):
                self._move(job, to)
            case Used(attempt, usage):
                self._accounts.settle(attempt, usage)
            case Warned(message):
                self._warn(message)
            case Over(remote, error):
                self._end_remote(remote, error)

    def _hear(self, event: BackendEvent) -> None:
        """Pass an event on, unless it is of an attempt whose end was told."""
        flight = self.flights.get(event.trial)
        if flight is None or flight.job.attempt != event.attempt:
            return
        endpoint = flight.tariff.endpoint
        event = self._proving.hear(event, endpoint)
        if isinstance(event, TrainingFinished):
            if event.failure_kind == "out_of_memory":
                self._accounts.ran_out_of_memory(event.trial, flight.tariff.tier)
            self._end(event)
            if event.failure_kind == "backend" and not self._proving.has(endpoint):
                self._spare(endpoint, event.message)
            return
        if isinstance(event, TrialStarted):
            flight.started = event
        self._events.append(event)

    def _spare(self, endpoint: str, message: str) -> None:
        """End what waits for an endpoint that has just failed its first job: it would fail too."""
        for flight in list(self.flights.values()):
            if flight.remote is None and flight.tariff.endpoint == endpoint:
                self._end(failed(flight.job, Failure("backend", message)))

    def _end(self, event: TrainingFinished) -> None:
        del self.flights[event.trial]
        self._accounts.settle(event.attempt, event.usage)
        self._events.append(event)

    def _take_back(self, job: TrialJob) -> None:
        flight = self._flight_of(job)
        if flight is None:  # killed meanwhile
            self._accounts.settle(job.attempt, None)
            return
        remote, flight.remote = flight.remote, None
        if flight.stopping:  # asked too late for the job to hear
            usage = None if remote is None else remote.meter.nothing()
            self._end(stopped(job).model_copy(update={"usage": usage}))

    def _move(self, job: TrialJob, to: str) -> None:
        flight, ledger = self._flight_of(job), self._around.ledger
        trace = ledger.trace(job.attempt)
        ledger.add(Followed(attempt=job.attempt, job=to))
        if flight is not None:
            self.follow(flight, to)
        elif trace is not None:  # killed meanwhile: so is the job that has it
            remote = self._found(job, self._accounts.tariff_of(trace.submitting), to)
            self._start(remote, [])
            remote.give(Order("kill", job))

    def _flight_of(self, job: TrialJob) -> Flight | None:
        flight = self.flights.get(job.trial)
        return flight if flight is not None and flight.job.attempt == job.attempt else None

    def _end_remote(self, remote: RemoteJob, error: BaseException | None) -> None:
        self.remotes.remove(remote)
        if error is not None:
            raise error
        self._over.append(remote)
        for flight in list(self.flights.values()):
            if flight.remote is remote:  # adopted when it had just ended
                self.follow(flight, remote.id)
