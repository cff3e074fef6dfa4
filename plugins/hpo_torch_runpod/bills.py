"""What RunPod has billed, beside what a run's trials were reckoned to cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo_torch_runpod.cost_report import CostReport
    from hpo_torch_runpod.rest_api import RestApi

IDLE = timedelta(hours=1)
"""After the last trial: the longest idle timeout that RunPod allows."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What RunPod has billed for a run's endpoints in its hours, whoever used them.

    Attributes:
        by_endpoint: USD by endpoint id.
        lower: What the run's trials cost at least, USD.
        upper: What they cost at most, USD.
    """

    by_endpoint: dict[str, float]
    lower: float
    upper: float

    @property
    def total(self) -> float:
        """USD."""
        return sum(self.by_endpoint.values())

    def text(self) -> str:
        """Say what it means."""
        billed = (
            f"RunPod has billed ${self.total:.5f} for the run's endpoints in its hours, whoever "
            "used them"
        )
        if self.total < self.lower:
            return f"{billed}: less than the trials cost at least. Bills come later, or discounts"
        if self.total > self.upper:
            return f"{billed}: more than the trials cost at most. Others used them in these hours"
        return f"{billed}: within the bounds"

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "total": self.total}


def bill_of(report: CostReport, api: RestApi) -> Bill:
    """Ask RunPod; its bills are by the hour.

    Raises:
        ApiError: It does not say.
    """
    start, end = report.period()
    by_endpoint = {each: api.billed(each, start, end + IDLE) for each in report.endpoints}
    whole = report.whole or report.total
    return Bill(by_endpoint, whole.lower, whole.upper)
