"""What a job on rented hardware costs, between a lower and an upper bound, and a budget for it.

RunPod bills a worker from its start to its stop, rounded up to whole seconds: cold start, execution
and idle time (docs.runpod.io/serverless/pricing). A job's status tells `executionTime` and
`delayTime`, the latter being its wait in the queue, the pull of the image (not billed) and the
worker's start (billed) in one figure. What one job cost is therefore known between two bounds only.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class CostBounds(NamedTuple):
    """What a job cost, USD: at least `lower`, at most `upper`."""

    lower: float
    upper: float


def bounds(
    execution_ms: float, delay_ms: float, idle_s: float, price_per_second: float, gpus: int = 1
) -> CostBounds:
    """Return the bounds of what one job cost.

    The lower one is the execution alone, as if a warm worker had gone straight on to another job.
    The upper one is as if a worker had been started for this job, had done nothing but start while
    the job waited, and had then idled until it stopped; rounded up to whole seconds, as RunPod
    bills. A job that waited for busy workers has a high upper bound.

    Args:
        execution_ms: `executionTime` of the job's status, milliseconds, at least 0.
        delay_ms: `delayTime` of the job's status, milliseconds, at least 0.
        idle_s: The endpoint's idle timeout, seconds, at least 0.
        price_per_second: USD per GPU.
        gpus: GPUs per worker, at least 1.
    """
    rate = price_per_second * gpus
    whole_seconds = math.ceil((delay_ms + execution_ms) / 1000 + idle_s)
    return CostBounds(lower=execution_ms / 1000 * rate, upper=whole_seconds * rate)


def longest_bill(execution_timeout_s: float, queue_timeout_s: float, idle_s: float) -> int:
    """Return the whole seconds that one job is billed at most: what to reserve before a submit.

    It holds while no job waits longer than `queue_timeout_s` for its worker.
    """
    return math.ceil(execution_timeout_s + queue_timeout_s + idle_s)


class Budget:
    """Money for a study: every job reserves the most it may cost before it is submitted.

    What ended jobs cost counts by their upper bounds. As long as each stays within its reservation
    the limit is not passed; one that costs more passes it by no more than its own upper bound, and
    nothing is submitted after it.

    Args:
        max_cost: USD, above 0; None reserves and adds up, and refuses nothing.
        spent: USD that earlier processes' jobs of the study cost, by their upper bounds.
    """

    def __init__(self, max_cost: float | None, spent: float = 0.0) -> None:
        self.max_cost = max_cost
        self._earlier = spent
        self._settled: dict[str, float] = {}
        self._reserved: dict[str, float] = {}

    @property
    def spent(self) -> float:
        """Return what ended jobs cost at most, USD."""
        return math.fsum((self._earlier, *self._settled.values()))

    @property
    def reserved(self) -> float:
        """Return what the jobs in flight may cost at most, USD."""
        return math.fsum(self._reserved.values())

    def reserve(self, job: str, seconds: float, price: float) -> bool:
        """Set aside what a job may cost; asking again for the same job replaces its reservation.

        Args:
            job: Any name of the job, known before it is submitted.
            seconds: The longest that it may be billed for: `longest_bill`.
            price: USD per second of its worker: all its GPUs.

        Returns:
            Whether it fits; False leaves everything as it was.
        """
        others = math.fsum(cost for name, cost in self._reserved.items() if name != job)
        cost = seconds * price
        if self.max_cost is not None and self.spent + others + cost > self.max_cost:
            return False
        self._reserved[job] = cost
        return True

    def settle(self, job: str, upper: float) -> None:
        """Replace a job's reservation by what it cost at most, USD.

        A job without a reservation counts too: an earlier process submitted it. Settling a job
        again replaces what it cost.
        """
        self.release(job)
        self._settled[job] = upper

    def release(self, job: str) -> None:
        """Give back a job's reservation, if it has one: it was never submitted."""
        self._reserved.pop(job, None)

    def refusal(self, seconds: float, price: float) -> str:
        """Say why a job of this size is not submitted, for people."""
        held = f" and ${self.reserved:.4f} held for jobs in flight" if self._reserved else ""
        return (
            f"budget: the next job may cost ${seconds * price:.4f} ({seconds:.0f} s at "
            f"${price:.5f} a second), with ${self.spent:.4f} spent{held} of --max-cost "
            f"{self.max_cost:g}. A shorter --trial-timeout reserves less"
        )
