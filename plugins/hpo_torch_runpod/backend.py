"""The backend 'runpod': trials as jobs on RunPod's serverless GPUs."""

from __future__ import annotations

import atexit
import queue
import time
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import TRAIN_TARGET
from hpo_torch_runpod import preflight
from hpo_torch_runpod.accounts import Accounts
from hpo_torch_runpod.cancelling import HURRY_SECONDS
from hpo_torch_runpod.chunk_file import ChunkFile
from hpo_torch_runpod.dispatch import Dispatcher, Flight
from hpo_torch_runpod.endings import is_the_places, why_it_failed
from hpo_torch_runpod.endpoint_client import EndpointClient, EndpointError, NotFoundError
from hpo_torch_runpod.follower import Progress
from hpo_torch_runpod.job_trials import end_of
from hpo_torch_runpod.keys import api_key
from hpo_torch_runpod.ledger import Ledger, Uploaded
from hpo_torch_runpod.meter import Meter
from hpo_torch_runpod.queue_watch import QueueWatch
from hpo_torch_runpod.reports import Contact, Order, Surroundings, Timings, Warned
from hpo_torch_runpod.submission import Submitter

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.plugin_api import RunSite
    from hpo_torch.protocol.events import BackendEvent, TrainingFinished
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch_runpod.endpoint_client import JobAnswer
    from hpo_torch_runpod.meter import Tariff
    from hpo_torch_runpod.preflight import Preflight
    from hpo_torch_runpod.shipment import Shipment, Shipper
    from hpo_torch_runpod.wire import StoredArtefact

_LOOK_SECONDS = 0.5  # between two looks at whether any worker takes jobs


class RunpodBackend:
    """Posts jobs to an endpoint and follows them, each in a thread of its own.

    What was submitted, and what was received, is kept in the run's folder: a process that goes on
    with the run finds its jobs again. A trial's failure ends that trial; where RunPod itself fails
    (no answer, no worker, no right, no money), jobs end as "backend".

    Args:
        settings: `jobs` in flight at once, and all of `remote`.
        train_target: The training function, "package.module:attribute", as workers import it.
        timings: How long everything may take.

    Raises:
        UsageError: RUNPOD_API_KEY is not set.
    """

    def __init__(
        self,
        settings: ExecutionSettings,
        *,
        train_target: str = TRAIN_TARGET,
        timings: Timings | None = None,
    ) -> None:
        self._settings, self._target = settings, train_target
        self._timings = timings or Timings()
        self._key = api_key()
        self._most = settings.jobs * settings.remote.trials_per_job
        self._watch = QueueWatch(settings.remote.queue_timeout)
        self._accounts: Accounts | None = None
        self._shipper: Shipper | None = None
        self._around: Surroundings | None = None
        self._dispatcher: Dispatcher | None = None

    @property
    def capacity(self) -> int:
        """How many trials may be in flight at once; no more than are while money is short."""
        if self._accounts is None or self._dispatcher is None or self._accounts.affords_another:
            return self._most
        return len(self._dispatcher.flights)

    @property
    def refusal(self) -> str:
        """Why no more jobs are taken: the next one could pass the budget, whatever ends before."""
        if self._accounts is None or self._dispatcher is None:
            return ""
        return self._accounts.refusal(waiting=bool(self._dispatcher.flights))

    @property
    def settled(self) -> dict[str, RemoteUsage]:
        """What attempts used, by attempt, of this run's earlier processes too."""
        return {} if self._accounts is None else self._accounts.settled

    def start(self, site: RunSite) -> None:
        """Look at endpoints, prices and the bucket; workers start with the first job.

        Raises:
            HpoTorchError: RunPod does not answer, no endpoint can take trials as it is, or the
                bucket cannot be used.
        """
        found = preflight.check(self._settings.remote)
        for warning in found.warnings:
            site.warn(warning)
        if self._settings.device != "auto":
            site.warn(f"device '{self._settings.device}' is not heeded: workers use their own card")
        self._most = self._jobs_at_once(found, site.warn) * self._settings.remote.trials_per_job
        ledger = Ledger(site.backend_folder / "jobs.jsonl")
        self._accounts = Accounts(found, ledger)
        self._around = Surroundings(
            ledger=ledger,
            received=site.backend_folder / "received",
            outbox=queue.SimpleQueue(),
            submitter=Submitter(self._settings, self._target, self._ship),
            fetch=_fetch,
            contact=Contact(),
            connect=self._connect,
            timings=self._timings,
        )
        if self._settings.remote.bucket is not None:
            self._ready_shipper().check()
        self._dispatcher = Dispatcher(self._settings, self._accounts, self._around, site.warn)
        # Without this, jobs would run on, and cost, after an exit without close().
        atexit.register(self.close)

    def submit(self, job: TrialJob) -> None:
        """Take one trial; it is posted in the background."""
        dispatcher, accounts = self._working()
        if len(dispatcher.flights) >= self._most or job.trial in dispatcher.flights:
            raise RuntimeError(f"submit() of trial {job.trial} with {self._most} in flight")
        tariff = accounts.choose(job)
        dispatcher.submit(job, tariff, problem=accounts.reserve(job, tariff))

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return what happened, in order; wait at most `timeout` seconds for something to."""
        dispatcher, _ = self._working()
        dispatcher.forget_told()
        deadline = time.monotonic() + timeout
        dispatcher.hand_out()
        events = dispatcher.collect()
        while not events and (left := deadline - time.monotonic()) > 0:
            dispatcher.hand_out()
            self._give_up_stuck(dispatcher)
            dispatcher.wait(min(left, _LOOK_SECONDS))
            events = dispatcher.collect()
        return events

    def stop(self, trial: int) -> None:
        """Cancel a trial; its `TrainingFinished` says "stopped" once its job has ended."""
        self._working()[0].stop(trial)

    def kill(self, trial: int) -> None:
        """Give a trial up at once; its job is cancelled in the background."""
        self._working()[0].kill(trial)

    def reattach(self, job: TrialJob) -> bool:
        """Find the job of an earlier process by the ledger, running or ended.

        A submission whose answer that process did not live to hear is made again: if there is a
        job of it after all, its worker's claim leads to it.
        """
        dispatcher, accounts = self._working()
        trace = self._surroundings().ledger.trace(job.attempt)
        if trace is None:
            return False
        flight = Flight(job, accounts.tariff_of(trace.submitting))
        if trace.job is None:
            dispatcher.submit(job, flight.tariff)
            return True
        if not self._can_be_followed(job, flight.tariff, trace.job):
            return False
        dispatcher.follow(flight, trace.job)
        return True

    def close(self) -> None:
        """Cancel all jobs in flight; warns of those of which that could not be confirmed."""
        atexit.unregister(self.close)
        dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is None:
            return
        deadline = time.monotonic() + self._timings.close
        for remote in dispatcher.remotes:
            remote.give(Order("close"))
        for remote in dispatcher.remotes:
            remote.join(deadline - time.monotonic())
        dispatcher.end()

    def _jobs_at_once(self, found: Preflight, warn: Callable[[str], None]) -> int:
        """Return how many jobs may be in flight: no more than there may be workers for."""
        jobs = self._settings.jobs
        workers = sum(facts.workers_max or jobs for facts in found.endpoints.values())
        if workers < jobs:
            warn(
                f"RunPod: {jobs} jobs at once were asked for, but there may be only {workers} "
                f"workers, and so {workers} jobs. 'hpo-torch runpod deploy --workers-max' raises it"
            )
        return min(jobs, workers)

    def _working(self) -> tuple[Dispatcher, Accounts]:
        if self._dispatcher is None or self._accounts is None:
            raise RuntimeError("the backend is not started, or was closed")
        return self._dispatcher, self._accounts

    def _surroundings(self) -> Surroundings:
        if self._around is None:
            raise RuntimeError("the backend is not started")
        return self._around

    def _can_be_followed(self, job: TrialJob, tariff: Tariff, job_id: str) -> bool:
        """Whether a job's events can still be had, or all of them were received."""
        around, accounts = self._surroundings(), self._working()[1]
        received = ChunkFile(around.received, job_id).read()
        if _is_its_own(end_of(job, received)):
            return True
        client = around.connect(tariff.endpoint, None)
        client.patience = min(client.patience, HURRY_SECONDS)
        meter = Meter(tariff, client)
        meter.job = job_id
        try:
            answer = client.status(job_id)
        except NotFoundError:
            return False  # what it cost is not known: what was held for it stays so
        except EndpointError:
            return True  # its thread asks on, or tells
        finally:
            client.close()
        if not _goes_on_anew(job, answer, received):
            return True
        if answer.ended and job.attempt not in around.ledger.settled():
            meter.note(answer, queued=False)
            accounts.settle(job.attempt, meter.rest(Progress(job)))
        return False

    def _give_up_stuck(self, dispatcher: Dispatcher) -> None:
        seconds = self._settings.remote.queue_timeout
        for remote in self._watch.stuck(dispatcher.remotes, time.monotonic()):
            remote.expired = True
            remote.give(Order("expire", seconds=seconds))

    def _connect(self, endpoint: str, hurry: threading.Event | None) -> EndpointClient:
        patience = self._timings.patience
        return EndpointClient(endpoint, self._key, closing=hurry, patience=patience)

    def _ship(self, job: TrialJob) -> Shipment | None:
        """Return a job's own data on their way; the first call may take long."""
        if job.data.path is None:
            return None
        return self._ready_shipper().shipment_of(job)

    def _ready_shipper(self) -> Shipper:
        if self._shipper is None:
            from hpo_torch_runpod.shipment import Shipper

            around = self._surroundings()
            outbox, ledger = around.outbox, around.ledger  # it may speak from a job's thread
            self._shipper = Shipper(
                self._settings.remote.bucket,
                lambda line: outbox.put(Warned(line)),
                lambda sent: ledger.add(Uploaded(url=sent.url, size=sent.size)),
            )
        return self._shipper


def _fetch(stored: StoredArtefact, path: Path) -> None:
    from hpo_torch_runpod.bucket import Bucket, fetch_weights

    fetch_weights(Bucket.from_environment(), stored, path)


def _is_its_own(end: TrainingFinished | None) -> bool:
    return end is not None and not is_the_places(end)


def _goes_on_anew(job: TrialJob, answer: JobAnswer, received: list[Any]) -> bool:
    """Whether an attempt is to be given up for another one, whatever its job still says.

    A job that was cancelled was so by this run, which wanted to end. One that could not be trained
    where it was may be by now.
    """
    if answer.status == "FAILED":
        return why_it_failed(answer.error).kind == "backend"
    end = end_of(job, [*received, *answer.chunks])
    return answer.status == "CANCELLED" or (end is not None and is_the_places(end))
