"""A job's record: what was asked, what became of it, and who worked on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})


@dataclass(slots=True, kw_only=True)
class Job:
    """One job; the record stays when clients are told that it is gone. Times: `time.monotonic()`.

    Attributes:
        id: Its id.
        endpoint: Its endpoint's id.
        input: What the worker's handler gets as `job["input"]`.
        execution_timeout: Seconds it may run.
        ttl: Seconds from submission after which it is removed, waiting or running.
        retention: Seconds from its end after which it is removed.
        status: IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELLED or TIMED_OUT (docs.runpod.io,
            "Job states", calls IN_PROGRESS also RUNNING; the SDK and the API say IN_PROGRESS).
        history: When it got which status.
        workers: Ids of the workers that took it, in order; more than one after a lost worker.
        chunks: Everything its handler yielded, as far as it arrived, in order of arrival.
        output: Its result, or its last progress.
        error: What its handler raised, or why the platform ended it.
        gone: Why clients are told 404, empty while they are not.
    """

    id: str
    endpoint: str
    input: Any
    execution_timeout: float
    ttl: float
    retention: float
    status: str = "IN_QUEUE"
    history: list[tuple[float, str]] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)
    chunks: list[Any] = field(default_factory=list)
    unread: list[Any] = field(default_factory=list)
    output: Any = None
    error: str = ""
    gone: str = ""

    def __post_init__(self) -> None:
        self.history.append((time.monotonic(), self.status))

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def worker(self) -> str:
        """The worker that took it last."""
        return self.workers[-1] if self.workers else ""

    @property
    def submitted(self) -> float:
        """When it was submitted."""
        return self.history[0][0]

    def enter(self, status: str) -> None:
        """Note a new status."""
        self.status = status
        self.history.append((time.monotonic(), status))

    def since(self) -> float:
        """Return seconds in the present status."""
        return time.monotonic() - self.history[-1][0]

    def delay_ms(self) -> int | None:
        """Return delayTime: from submission, or the last requeueing, to a worker; None before."""
        return self._between("IN_QUEUE", "IN_PROGRESS")

    def execution_ms(self) -> int | None:
        """Return executionTime: from the worker's taking it to its end; None before."""
        return self._between("IN_PROGRESS", None) if self.final else None

    def _between(self, start: str, end: str | None) -> int | None:
        starts = [at for at, status in self.history if status == start]
        ends = (
            [at for at, status in self.history if status == end] if end else [self.history[-1][0]]
        )
        if not starts or not ends or ends[-1] < starts[-1]:
            return None
        return round(1000 * (ends[-1] - starts[-1]))

    def public(self) -> dict[str, Any]:
        """Return what /status says of it (docs.runpod.io, "Operation reference")."""
        said: dict[str, Any] = {"id": self.id, "status": self.status}
        times = {"delayTime": self.delay_ms(), "executionTime": self.execution_ms()}
        said |= {name: value for name, value in times.items() if value is not None}
        if self.worker:
            said["workerId"] = self.worker
        if self.output is not None:
            said["output"] = self.output
        if self.error:
            said["error"] = self.error
        return said
