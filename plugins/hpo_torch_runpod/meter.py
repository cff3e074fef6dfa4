"""What a remote job used, in time, money and bytes, divided among its attempts."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.protocol.usage import RemoteUsage
from hpo_torch_runpod.costs import CostBounds, bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.protocol.events import TrialStarted
    from hpo_torch_runpod.endpoint_client import EndpointClient, JobAnswer
    from hpo_torch_runpod.follower import Progress

_CARD = re.compile(r"cuda\S* \((.+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What an endpoint's workers cost, as known when a job was submitted.

    Attributes:
        endpoint: Its id.
        tier: Its GPU tier; "" where that is not known.
        price_per_second: USD for all GPUs of a worker.
        price_source: Where the price comes from.
        idle_seconds: Billed after a worker's last job.
        reason: Why this endpoint was chosen, for people.
    """

    endpoint: str
    tier: str
    price_per_second: float
    price_source: str
    idle_seconds: float
    reason: str = ""


class Meter:
    """Adds up one job.

    RunPod tells of a whole job how long it waited and ran. Attempts that share it get their parts
    by the worker's clock, and the last one what is left: together they are the whole.

    Args:
        tariff: Of the endpoint.
        client: Counts the bytes.
        clock: Seconds, monotonic.

    Attributes:
        job: RunPod's id of the job; "" before it has one.
        posted: When the job was posted, or found again, by the clock.
        taken: When it was first seen with a worker; None before.
        data_fraction: Share of the user's own training data that the job has.
    """

    def __init__(
        self,
        tariff: Tariff,
        client: EndpointClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job = ""
        self.tariff = tariff
        self._client, self._clock = client, clock
        self.posted = clock()
        self.taken: float | None = None
        self.data_fraction = 1.0
        self._since: float | None = None  # when its present worker was seen with it
        self._lost_ms = 0.0  # with workers that were lost; RunPod tells of the last one alone
        self._doubt = 0.0
        self._delay_ms: float | None = None
        self._execution_ms: float | None = None
        self._told_ms = 0.0  # of execution, in parts that were told
        self._delay_told = False
        self._bytes = (0, 0)  # told likewise
        self._last_end = ""  # of the attempt before, by the worker's clock

    def note(self, answer: JobAnswer, *, queued: bool) -> None:
        """Take in what RunPod says of the job's times."""
        if queued and self._since is not None:
            ran_ms = 1000 * (self._clock() - self._since)
            self._lost_ms += max(0.0, ran_ms - self._told_ms)
            self._since, self._told_ms = None, 0.0
        elif not queued and self._since is None:
            self._since = self._clock()
            self.taken = self.taken or self._since
        if answer.delay_ms is not None:
            self._delay_ms = answer.delay_ms
        if answer.ended and answer.execution_ms is not None:
            self._execution_ms = answer.execution_ms

    def doubt(self, most: float) -> None:
        """Count attempts with at least so many USD from now on, as what they cost is not known."""
        self._doubt = most

    def nothing(self) -> RemoteUsage:
        """Return what an attempt used that the job never began with."""
        return self._record("", 0.0, 0.0, CostBounds(0.0, 0.0), (0, 0))

    def part(self, progress: Progress) -> RemoteUsage:
        """Return what an attempt used while others of its job go on."""
        begin = self._last_end or (progress.started.time if progress.started else "")
        seconds = progress.seconds_since(begin) if begin else 0.0
        if progress.finished is not None:
            self._last_end = progress.finished.time
        left = max(0.0, self._whole_ms() - self._told_ms)
        return self._told(self._usage(_card(progress.started), min(1000 * seconds, left), idle=0.0))

    def rest(self, progress: Progress) -> RemoteUsage:
        """Return what the last attempt of a job used: all that is left."""
        return self._told(self.estimate(progress.started))

    def estimate(self, started: TrialStarted | None) -> RemoteUsage:
        """Return what is left now, for an attempt that is given up; any thread may ask."""
        left = max(0.0, self._whole_ms() - self._told_ms)
        return self._usage(_card(started), left, idle=self.tariff.idle_seconds)

    def _whole_ms(self) -> float:
        if self._execution_ms is not None:
            return self._execution_ms
        return 0.0 if self._since is None else 1000 * (self._clock() - self._since)

    def _waited_ms(self) -> float:
        if self._delay_told:
            return 0.0
        if self._delay_ms is not None:
            return self._delay_ms
        return 1000 * ((self._clock() if self.taken is None else self.taken) - self.posted)

    def _usage(self, card: str, execution_ms: float, idle: float) -> RemoteUsage:
        waited_ms, price = self._waited_ms(), self.tariff.price_per_second
        never_ran = self.taken is None and not execution_ms
        billed_ms, idle = (0.0, 0.0) if never_ran else (waited_ms + self._lost_ms, idle)
        cost = bounds(execution_ms, billed_ms, idle, price)
        cost = CostBounds(cost.lower, max(cost.upper, self._doubt))
        sent, received = self._client.bytes_sent, self._client.bytes_received
        wire = sent - self._bytes[0], received - self._bytes[1]
        return self._record(card, waited_ms, execution_ms, cost, wire)

    def _record(
        self,
        card: str,
        waited_ms: float,
        execution_ms: float,
        cost: CostBounds,
        wire: tuple[int, int],
    ) -> RemoteUsage:
        return RemoteUsage(
            job=self.job,
            endpoint=self.tariff.endpoint,
            tier=self.tariff.tier,
            gpu=card,
            price_per_second=self.tariff.price_per_second,
            price_source=self.tariff.price_source,
            queue_seconds=waited_ms / 1000,
            execution_seconds=execution_ms / 1000,
            cost_lower=cost.lower,
            cost_upper=cost.upper,
            bytes_sent=wire[0],
            bytes_received=wire[1],
            data_fraction=self.data_fraction,
        )

    def _told(self, usage: RemoteUsage) -> RemoteUsage:
        """Take note of what has its attempt now."""
        self._told_ms += 1000 * usage.execution_seconds
        self._delay_told, self._lost_ms = True, 0.0
        sent, received = self._bytes
        self._bytes = sent + usage.bytes_sent, received + usage.bytes_received
        return usage


def _card(started: TrialStarted | None) -> str:
    """Return the card's name from a device in words, "cuda:0 (NVIDIA H100)"."""
    found = _CARD.fullmatch(started.device) if started else None
    return found[1] if found else ""
