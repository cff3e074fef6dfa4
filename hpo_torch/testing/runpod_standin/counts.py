"""What went over the wire: every request, and the bytes of both bodies."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.testing.runpod_standin.faults import WORKER_PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer.

    Attributes:
        place: As in `Fault.place`.
        method: HTTP method.
        path: The request's path.
        endpoint: Id of the endpoint it was about, or empty.
        job: Id of the job it was about, or empty; for a submit the job that it made.
        received: Bytes of the request's body.
        sent: Bytes of the answer's body; 0 where the connection was dropped.
        status: The answer's HTTP status; 0 where the connection was dropped.
    """

    place: str
    method: str
    path: str
    endpoint: str
    job: str
    received: int
    sent: int
    status: int


class Counts:
    """Counts requests and bytes; bodies only, without headers and TLS, and without compression."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        """Count a request."""
        with self._lock:
            self._exchanges.append(exchange)

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._exchanges.clear()

    def exchanges(
        self, place: str | None = None, *, endpoint: str | None = None, job: str | None = None
    ) -> Sequence[Exchange]:
        """Return the requests at a place, about an endpoint, about a job; None stands for all."""
        with self._lock:
            return [
                each
                for each in self._exchanges
                if place in {None, each.place}
                and endpoint in {None, each.endpoint}
                and job in {None, each.job}
            ]

    def requests(
        self, place: str | None = None, *, endpoint: str | None = None, job: str | None = None
    ) -> int:
        """Return how many requests there were."""
        return len(self.exchanges(place, endpoint=endpoint, job=job))

    def bytes_from_clients(self, *, job: str | None = None) -> int:
        """Return the bytes that clients sent, about one job or all."""
        return sum(each.received for each in self._of_clients(job))

    def bytes_to_clients(self, *, job: str | None = None) -> int:
        """Return the bytes that clients were sent, about one job or all."""
        return sum(each.sent for each in self._of_clients(job))

    def _of_clients(self, job: str | None) -> list[Exchange]:
        return [each for each in self.exchanges(job=job) if each.place not in WORKER_PLACES]
