"""One job on an endpoint, and the thread that posts it, follows it, and cancels it."""

from __future__ import annotations

import queue
import random
import threading
import time
from typing import TYPE_CHECKING

from hpo_torch_runpod.cancelling import HURRY_SECONDS, Cancelling
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

_MOST_DRAINS = 100  # looks at the stream of an ended job
_SOON_SECONDS = 0.3  # until the next look at a job that is about to end
_MOST_UNKNOWN = 3  # looks at a job that RunPod does not know
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
        self._cancelling = Cancelling(self._client)
        self._requeues = 0
        self._unknown = 0  # answers that there is no such job, one after another
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
            if self.id:
                self._cancelling.insist(self.id)
        self.ended, self.queued_since = True, None
        self._client.close()
        self._around.outbox.put(Over(self, problem))

    def _follow(self) -> None:
        """Look at the job until it has ended, or there is no use in looking."""
        self.meter.job = self.id
        attempts = [job.attempt for job in self._trials.wanted]
        self.meter.data_fraction = self._around.ledger.data_fraction(attempts)
        self.queued_since = self._heard_at = self.meter.posted = time.monotonic()
        self._around.contact.heard(self.endpoint)
        self._received = ChunkFile(self._around.received, self.id)
        self._trials.hear(self._received.read())
        if self._trials.alive and len(self._trials.wanted) == len(self._trials.alive):
            self._cancelling.wanted_at = None  # who was to be stopped was left out
        while not self.ended:
            self._obey()
            if self._trials.run_unwanted:
                self._cancelling.want()
            self._look()
            self._heed_time()
            if not self.ended:
                self._wait()

    def _obey(self) -> None:
        """Carry out what was ordered meanwhile."""
        self._hurry.clear()
        while not self._orders.empty():
            order = self._orders.get()
            if order.what == "adopt" and order.job is not None:
                self._trials.adopt(order.job)
                self._told_all_at = None
            elif self._calls_for_cancel(order):
                self._cancelling.want()

    def _calls_for_cancel(self, order: Order) -> bool:
        """Note what an order means for the trials; return whether the job has to be cancelled."""
        if order.what == "expire":
            return self._expire(order.seconds)
        if order.what == "close":
            self._client.patience = HURRY_SECONDS
            self._deadline = time.monotonic() + self._times.close
            for progress in self._trials.alive:
                progress.asked_to_stop = True
        elif order.job is not None:
            handle = self._trials.stop if order.what == "stop" else self._trials.kill
            return handle(order.job.attempt)
        return True

    def _expire(self, seconds: float) -> bool:
        """End the trials of a job that no worker takes, unless it waits rightly."""
        why = "" if self.queued_since is None else why_nobody_works(self._client, seconds)
        if why:
            self._trials.fail(Failure("backend", why), used=True)
            return True
        self.queued_since = self.queued_since and time.monotonic()
        self.expired = False
        return False

    def _look(self) -> None:
        """Ask RunPod once, and take in what it says."""
        try:
            self._cancelling.ask_if_wanted(self.id)
            answer = self._client.stream(self.id) if self.runs else self._client.status(self.id)
        except NotFoundError:
            self._unknown += 1  # one such answer alone may be an error
            if self._unknown >= _MOST_UNKNOWN or self._deadline < float("inf"):
                self._conclude(None)
        except UnreachableError as error:
            self._bear(error)
        except EndpointError as error:
            self._give_up(Failure("backend", str(error)))
        else:
            self._heard_at, self._unknown = time.monotonic(), 0
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
        since = self._cancelling.taken_at
        if since is None or self._deadline < float("inf"):
            return False
        return time.monotonic() - since < self._times.drain

    def _conclude(self, answer: JobAnswer | None) -> None:
        """End with the job: fill gaps from its aggregate and what is left of its stream."""
        cancelled = self._cancelling.wanted_at is not None
        if answer is None:
            self._leave_unknown()
        else:
            self._trials.hear(answer.chunks)
            for _ in range(_MOST_DRAINS):
                if self._trials.wait_for_the_job or not self._drain():
                    break
        self._trials.conclude(answer, cancelled=cancelled)
        self.ended = True

    def _leave_unknown(self) -> None:
        """Make sure of a job that RunPod says it does not know; it may run all the same."""
        if self.meter.taken is None:  # here; it may have had a worker before
            self.meter.doubt(self._held)
        self._cancelling.insist(self.id)

    def _drain(self) -> bool:
        """Take in what the stream of an ended job still hands out; False once that is nothing."""
        try:
            answer = self._client.stream(self.id)
        except EndpointError:
            return False
        self._hear(answer)
        return bool(answer.chunks)

    def _bear(self, error: UnreachableError) -> None:
        """Go on asking for a while; then the job is lost, and with all others silent the place."""
        if time.monotonic() - self._heard_at < self._times.silence:
            return
        if self._around.contact.silent_for(self.endpoint) < self._times.silence:
            self._give_up(Failure("worker_died", f"the job's state cannot be read: {error}"))
        else:
            self._give_up(Failure("backend", str(error)))

    def _give_up(self, failure: Failure) -> None:
        self._end_unconfirmed()
        self._trials.fail(failure, used=True)

    def _heed_time(self) -> None:
        """Leave a job that does not end though it has no reason to go on."""
        if self.ended:
            return
        now = time.monotonic()
        losses = max(self._requeues, self._trials.restarts)
        if losses > _MOST_RESTARTS:
            why = f"its worker was lost {losses} times, and RunPod began the job again each time"
            self._trials.fail(Failure("worker_died", why), used=True)
            self._cancelling.want()
        if self._told_all_at is not None and now - self._told_all_at > self._times.settle:
            self._cancelling.want()
        if self._cancelling.waited > self._times.grace or now > self._deadline:
            self._end_unconfirmed()
            self._trials.conclude(None, cancelled=True)

    def _end_unconfirmed(self) -> None:
        """Stop following a job that may run on."""
        self.ended = True
        if not self._cancelling.insist(self.id):
            self.meter.doubt(self._held)
            where = f"job {self.id} of endpoint {self.endpoint}"
            what = "may run on: cancelling it was not confirmed. See the console"
            self._around.outbox.put(Warned(f"RunPod: {where} {what}"))

    def _wait(self) -> None:
        """Wait until the next look, or an order."""
        since = self.queued_since
        seconds = self._times.pause(None if since is None else time.monotonic() - since)
        if self._told_all_at is not None or self._cancelling.wanted_at is not None:
            seconds = _SOON_SECONDS
        self._hurry.wait(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
