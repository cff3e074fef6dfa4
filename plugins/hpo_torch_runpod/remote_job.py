"""One job on an endpoint, and the thread that posts it, follows it, and cancels it."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from typing import TYPE_CHECKING

from hpo_torch_runpod.chunk_file import ChunkFile
from hpo_torch_runpod.endings import Failure
from hpo_torch_runpod.endpoint_client import (
    QUEUED,
    EndpointError,
    NotFoundError,
    UnreachableError,
)
from hpo_torch_runpod.job_trials import JobTrials
from hpo_torch_runpod.meter import Meter
from hpo_torch_runpod.posting import post
from hpo_torch_runpod.queue_watch import why_nobody_works
from hpo_torch_runpod.received_files import ReceivedFiles
from hpo_torch_runpod.reports import Over, Warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.endpoint_client import JobAnswer
    from hpo_torch_runpod.meter import Tariff
    from hpo_torch_runpod.reports import Order, Surroundings

_HURRY_SECONDS = 5.0  # in which a request is repeated once everything is to end
_MOST_DRAINS = 100  # looks at the stream of an ended job
_SOON_SECONDS = 0.3  # until the next look at a job that is about to end
_MOST_RESTARTS = 2  # RunPod gives the job of a lost worker to the next one, for ever


class RemoteJob:
    """Trains trials one after another in one job, and reports to the outbox.

    All work is done in its own thread; other threads give orders and read its attributes.

    Args:
        jobs: The trials; at least one.
        around: What all jobs share.
        tariff: Of the endpoint.
        held: USD that each trial may cost at most, for the ledger.
        found: RunPod's id of a job that was posted already; None posts one.

    Attributes:
        id: RunPod's id; "" until it is known.
        endpoint: The endpoint's id.
        meter: What it has used.
        queued_since: Since when it waits for a worker, by `time.monotonic`; None while it does not.
        runs: Whether a worker has it.
        expired: Whether it was given up because no worker takes it; set by who decides that.
        ended: Whether nothing more will come of it.
    """

    def __init__(
        self,
        jobs: Sequence[TrialJob],
        around: Surroundings,
        tariff: Tariff,
        *,
        held: float = 0.0,
        found: str | None = None,
    ) -> None:
        self.id, self.endpoint = found or "", tariff.endpoint
        self.queued_since: float | None = None
        self.runs = self.expired = self.ended = False
        self._hurry = threading.Event()
        self._client = around.connect(tariff.endpoint, self._hurry)
        self.meter = Meter(tariff, self._client)
        self._around, self._times, self._held = around, around.timings, held
        self._received = ChunkFile(around.received, self.id)
        files = ReceivedFiles(around.fetch)
        self._trials = JobTrials(jobs, self.meter, files, around.outbox)
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._unwanted_since: float | None = None  # to be cancelled
        self._cancelled_at: float | None = None  # RunPod has taken that
        self._requeues = 0
        self._told_all_at: float | None = None  # only the job's own end is missing
        self._heard_at = time.monotonic()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._work, name="runpod-job", daemon=True)

    def start(self) -> None:
        """Begin to work; returns at once."""
        self._thread.start()

    def give(self, order: Order) -> None:
        """Have something done soon; a request that is being repeated is given up for it."""
        self._orders.put(order)
        self._hurry.set()

    def join(self, seconds: float) -> None:
        """Wait until its thread has ended, at most so long."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, seconds))

    def forget_received(self) -> None:
        """Remove what was kept of it for a later process; raises OutputError."""
        self._received.remove()

    def _work(self) -> None:
        problem: BaseException | None = None
        try:
            around, tariff = self._around, self.meter.tariff
            self.id = self.id or (
                post(self._trials, self._client, around, self._held, tariff, self._obey) or ""
            )
            if self.id:
                self._follow()
        except BaseException as error:  # `poll` raises it in the study's thread
            problem = error
        self.ended, self.queued_since = True, None
        self._client.close()
        self._around.outbox.put(Over(self, problem))

    def _follow(self) -> None:
        """Look at the job until it has ended, or there is no use in looking."""
        self.meter.job = self.id
        self.meter.data_fraction = self._data_fraction()
        self.queued_since = self._heard_at = self.meter.posted = time.monotonic()
        self._around.contact.heard(self.endpoint)
        self._received = ChunkFile(self._around.received, self.id)
        self._trials.hear(self._received.read())
        if self._trials.alive and len(self._trials.wanted) == len(self._trials.alive):
            self._unwanted_since = None  # who was to be stopped was left out
        while not self.ended:
            self._obey()
            if self._trials.run_unwanted:
                self._unwanted_since = self._unwanted_since or time.monotonic()
            self._look()
            self._heed_time()
            if not self.ended:
                self._wait()

    def _data_fraction(self) -> float:
        """Return what share of own data went with the job, by whichever process posted it."""
        traces = (self._around.ledger.trace(job.attempt) for job in self._trials.wanted)
        return min((trace.submitting.data_fraction for trace in traces if trace), default=1.0)

    def _obey(self) -> None:
        """Carry out what was ordered meanwhile."""
        self._hurry.clear()
        while not self._orders.empty():
            order = self._orders.get()
            if order.what == "adopt" and order.job is not None:
                self._trials.adopt(order.job)
            elif self._calls_for_cancel(order):
                self._unwanted_since = self._unwanted_since or time.monotonic()

    def _calls_for_cancel(self, order: Order) -> bool:
        """Note what an order means for the trials; return whether the job has to be cancelled."""
        if order.what == "expire":
            why = why_nobody_works(self._client, order.seconds)
            self._trials.fail(Failure("backend", why), used=True)
        elif order.what == "close":
            self._client.patience = _HURRY_SECONDS
            self._deadline = time.monotonic() + self._times.close
            for progress in self._trials.alive:
                progress.asked_to_stop = True
        elif order.job is not None:
            handle = self._trials.stop if order.what == "stop" else self._trials.kill
            return handle(order.job.attempt)
        return True

    def _look(self) -> None:
        """Ask RunPod once, and take in what it says."""
        try:
            if self._unwanted_since is not None and self._cancelled_at is None:
                self._cancel()
            answer = self._client.stream(self.id) if self.runs else self._client.status(self.id)
        except NotFoundError:
            self._conclude(None)
        except UnreachableError as error:
            self._bear(error)
        except EndpointError as error:
            self._give_up(Failure("backend", str(error)))
        else:
            self._heard_at = time.monotonic()
            self._around.contact.heard(self.endpoint)
            self._take_in(answer)

    def _take_in(self, answer: JobAnswer) -> None:
        streamed, self.runs = self.runs, answer.status != QUEUED and not answer.ended
        self.meter.note(answer, queued=answer.status == QUEUED)
        if answer.status != QUEUED:
            self.queued_since = None
        elif self.queued_since is None:  # its worker was lost, and it waits again
            self.queued_since = time.monotonic()
            self._requeues += 1
        if streamed:
            self._hear(answer)
        elif answer.ended and not self._may_bring_more():
            self._conclude(answer)
        if self._trials.wait_for_the_job:
            self._told_all_at = self._told_all_at or time.monotonic()
            self.runs = False  # its stream has nothing more to say

    def _hear(self, answer: JobAnswer) -> None:
        """Take in a part of the stream; kept first, as RunPod hands it out but once."""
        self._received.append(answer.chunks)
        self._trials.hear(answer.chunks)

    def _may_bring_more(self) -> bool:
        """Whether a cancelled job's worker may just have sent something."""
        if self._cancelled_at is None or self._deadline < float("inf"):
            return False
        return time.monotonic() - self._cancelled_at < self._times.drain

    def _conclude(self, answer: JobAnswer | None) -> None:
        """End with the job: fill gaps from its aggregate and what is left of its stream."""
        if answer is not None:
            self._trials.hear(answer.chunks)
            for _ in range(_MOST_DRAINS):
                if self._trials.wait_for_the_job or not self._drain():
                    break
        self._trials.conclude(answer, cancelled=self._unwanted_since is not None)
        self.ended = True

    def _drain(self) -> bool:
        """Take in what the stream of an ended job still hands out; False once that is nothing."""
        try:
            answer = self._client.stream(self.id)
        except EndpointError:
            return False
        self._hear(answer)
        return bool(answer.chunks)

    def _cancel(self) -> None:
        with contextlib.suppress(NotFoundError):  # whether it has ended its state says
            self._client.cancel(self.id)
            self._cancelled_at = time.monotonic()

    def _bear(self, error: UnreachableError) -> None:
        """Go on asking for a while; then the job is lost, and with all others silent the place."""
        if time.monotonic() - self._heard_at < self._times.silence:
            return
        if self._around.contact.silent_for(self.endpoint) < self._times.silence:
            self._give_up(Failure("worker_died", f"the job's state cannot be read: {error}"))
        else:
            self._give_up(Failure("backend", str(error)))

    def _give_up(self, failure: Failure) -> None:
        self._trials.fail(failure, used=True)
        self._end_unconfirmed()

    def _heed_time(self) -> None:
        """Leave a job that does not end though it has no reason to go on."""
        if self.ended:
            return
        now = time.monotonic()
        losses = max(self._requeues, self._trials.restarts)
        if losses > _MOST_RESTARTS:
            why = f"its worker was lost {losses} times, and RunPod began the job again each time"
            self._trials.fail(Failure("worker_died", why), used=True)
            self._unwanted_since = self._unwanted_since or now
        if self._told_all_at is not None and now - self._told_all_at > self._times.settle:
            self._unwanted_since = self._unwanted_since or now
        waited = 0.0 if self._unwanted_since is None else now - self._unwanted_since
        if waited > self._times.grace or now > self._deadline:
            self._trials.conclude(None, cancelled=True)
            self._end_unconfirmed()

    def _end_unconfirmed(self) -> None:
        """Stop following a job that may run on."""
        self.ended = True
        if self._cancelled_at is None:
            try:
                self._cancel()
            except EndpointError:
                self._around.outbox.put(
                    Warned(
                        f"RunPod: job {self.id} of endpoint {self.endpoint} may run on: cancelling "
                        "it was not confirmed. See the console"
                    )
                )

    def _wait(self) -> None:
        """Wait until the next look, or an order."""
        now = time.monotonic()
        if self._told_all_at is not None or self._unwanted_since is not None:
            seconds = _SOON_SECONDS
        elif self.queued_since is None:
            seconds = self._times.running
        else:
            most = 5 * self._times.queued
            seconds = min(max(self._times.queued, (now - self.queued_since) / 10), most)
        self._hurry.wait(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
