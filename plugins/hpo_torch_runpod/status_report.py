"""What hpo-torch has on RunPod now: endpoints with their workers and queues, and pods."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch_runpod.endpoint_facts import EndpointFacts, our_name, read_facts
from hpo_torch_runpod.rest_api import ApiError

if TYPE_CHECKING:
    from hpo_torch_runpod.prices import Prices
    from hpo_torch_runpod.rest_api import Record, RestApi

COLUMNS = (
    *("endpoint", "name", "tier", "version", "workers", "at most", "idle timeout", "queued"),
    *("running", "$ a second"),
)
NUMERIC = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStatus:
    """One endpoint.

    Attributes:
        facts: Its settings.
        workers: Number of workers by state; states without workers are left out.
        queued: Jobs that wait.
        running: Jobs that run.
        per_second: USD of one worker; None where its tier is not known.
        problem: Why workers and jobs are not known; "" where they are.
    """

    facts: EndpointFacts
    workers: dict[str, int]
    queued: int
    running: int
    per_second: float | None
    problem: str = ""

    def row(self) -> tuple[str, ...]:
        """Return the table's row."""
        facts = self.facts
        states = ", ".join(f"{count} {state}" for state, count in self.workers.items())
        return (
            facts.endpoint,
            facts.name,
            facts.tier or "-",
            facts.version or "-",
            self.problem or states or "none",
            "-" if facts.workers_max is None else str(facts.workers_max),
            f"{facts.idle_timeout:g} s",
            *(("-", "-") if self.problem else (str(self.queued), str(self.running))),
            "-" if self.per_second is None else f"${self.per_second:.5f}",
        )

    def record(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return asdict(self)


def endpoint_statuses(api: RestApi, prices: Prices, also: str | None) -> list[EndpointStatus]:
    """Return the endpoints that `deploy` has made, and the one whose id is `also`.

    Raises:
        ApiError: RunPod does not list them.
    """
    records = [
        each
        for each in api.endpoints()
        if our_name(each.get("name") or "") or each.get("id") == also
    ]
    return [_status(each, api, prices) for each in records]


def _status(record: Record, api: RestApi, prices: Prices) -> EndpointStatus:
    facts = read_facts(record, prices)
    try:
        health, problem = api.health(facts.endpoint), ""
    except ApiError as error:
        health, problem = {}, str(error)
    jobs = health.get("jobs") or {}
    tier = prices.tiers.get(facts.tier)
    return EndpointStatus(
        facts=facts,
        workers={state: n for state, n in (health.get("workers") or {}).items() if n},
        queued=jobs.get("inQueue", 0),
        running=jobs.get("inProgress", 0),
        per_second=None if tier is None else tier.per_second * facts.gpus,
        problem=problem,
    )
