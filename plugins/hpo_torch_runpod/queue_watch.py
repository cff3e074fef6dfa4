"""Whether workers take jobs at all, and if not, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch_runpod.endpoint_client import EndpointError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch_runpod.endpoint_client import EndpointClient
    from hpo_torch_runpod.remote_job import RemoteJob


class QueueWatch:
    """Finds the endpoints whose jobs no worker takes.

    Jobs that wait behind running ones wait rightly: only an endpoint on which nothing runs, and
    nothing has been taken for so long, is stuck.

    Args:
        timeout: Seconds (`execution.remote.queue_timeout`).
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._busy: dict[str, float] = {}  # when a job of the endpoint was last seen running

    def stuck(self, jobs: Iterable[RemoteJob], now: float) -> list[RemoteJob]:
        """Return the jobs that have waited too long.

        Args:
            jobs: All that are in flight.
            now: By `time.monotonic`.
        """
        waiting: dict[str, list[tuple[float, RemoteJob]]] = {}
        for job in jobs:
            since = job.queued_since
            if since is not None and not job.expired:
                waiting.setdefault(job.endpoint, []).append((since, job))
            elif job.runs:
                self._busy[job.endpoint] = now
        return [
            job
            for endpoint, queue in waiting.items()
            if now - max(min(since for since, _ in queue), self._busy.get(endpoint, 0.0))
            > self._timeout
            for _, job in queue
        ]


def why_nobody_works(client: EndpointClient, timeout: float) -> str:
    """Ask an endpoint for its workers; return why its jobs wait, for people.

    "" where they wait rightly: workers run jobs of another process, or such as we know nothing of.
    """
    what = f"RunPod endpoint {client.endpoint}: no worker took a job within {timeout:g} seconds"
    try:
        workers = client.health().get("workers")
    except EndpointError as error:
        return f"{what}, and its state is not known ({error})"
    workers = workers if isinstance(workers, dict) else {}
    return "" if workers.get("running") else f"{what}; {_reason(workers)}"


def _reason(workers: dict[str, Any]) -> str:
    counts = {state: count for state, count in workers.items() if isinstance(count, int) and count}
    listed = ", ".join(f"{count} {state}" for state, count in counts.items())
    if not counts:
        return (
            "it has none. Is the maximum of its workers 0? RunPod sets that after seven days "
            "without a job; raise it with 'hpo-torch runpod deploy' or in the console"
        )
    if set(counts) == {"throttled"}:
        return f"{listed}: no GPU of its tier is free. Try another tier, or later"
    if "unhealthy" in counts:
        return f"{listed}: its image may fail to start; see 'hpo-torch runpod logs'"
    return f"{listed}: they may still be starting; a longer --queue-timeout waits for them"
