"""What an attempt at a trial used of rented hardware: time, money, and bytes on the wire."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from hpo_torch.protocol.measurements import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable


class RemoteUsage(Frozen):
    """What one attempt on rented hardware used.

    Two bounds of the cost, because nobody says what an attempt costs: bills count a worker's whole
    life, rounded and with its start and its idle time.

    Attributes:
        job: The provider's id of the job.
        endpoint: The provider's id of the place that ran it.
        tier: The class of hardware that was asked for.
        gpu: The card's name, as the worker found it; "" where that is unknown.
        price_per_second: USD, as known when the job was submitted.
        price_source: Where that price comes from, with its date ("table of 2026-06-08").
        queue_seconds: From submission to the beginning of the work, a cold start included.
        execution_seconds: From there to its end.
        cost_lower: USD; execution alone.
        cost_upper: USD; with everything that may have been billed besides.
        bytes_sent: To the provider, for this attempt.
        bytes_received: From there.
        data_fraction: Share of the user's own training data that this attempt had; below 1 where
            they were too large to be sent whole.
    """

    job: str
    endpoint: str
    tier: str
    gpu: str = ""
    price_per_second: float = Field(ge=0.0)
    price_source: str
    queue_seconds: float = Field(ge=0.0)
    execution_seconds: float = Field(ge=0.0)
    cost_lower: float = Field(ge=0.0)
    cost_upper: float = Field(ge=0.0)
    bytes_sent: int = Field(default=0, ge=0)
    bytes_received: int = Field(default=0, ge=0)
    data_fraction: float = Field(default=1.0, gt=0.0, le=1.0)


class Cost(Frozen):
    """What attempts cost together: USD, at least and at most."""

    lower: float = Field(default=0.0, ge=0.0)
    upper: float = Field(default=0.0, ge=0.0)

    @classmethod
    def of(cls, usages: Iterable[RemoteUsage]) -> Cost:
        """Add up what attempts cost."""
        listed = list(usages)
        return cls(
            lower=math.fsum(usage.cost_lower for usage in listed),
            upper=math.fsum(usage.cost_upper for usage in listed),
        )

    def __add__(self, other: Cost) -> Cost:
        return Cost(lower=self.lower + other.lower, upper=self.upper + other.upper)
