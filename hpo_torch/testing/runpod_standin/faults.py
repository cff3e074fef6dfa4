"""What goes wrong on purpose, where, and how often.

standin.faults.add(Fault(place="submit", kind="drop_after"))  # once, the next submit
standin.faults.add(Fault(place="poll", kind="answer", status=429, times=3, endpoint="ep"))
standin.faults.add(Fault(place="chunk", kind="kill_worker", nth=2))  # at the second chunk
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal, get_args

ClientPlace = Literal[
    "submit", "poll", "fetch", "stream", "cancel", "health", "purge", "retry", "manage"
]
WorkerPlace = Literal["start", "take", "chunk", "done", "stop", "ping"]
Place = Literal[ClientPlace, WorkerPlace]
Kind = Literal[
    "answer", "drop_before", "drop_after", "hang", "garble", "repeat", "late", "kill_worker"
]
WORKER_PLACES = frozenset(get_args(WorkerPlace))


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        place: Where. Requests of clients: "submit" (/run, /runsync), "poll" (/status of a job that
            has not ended), "fetch" (/status of one that has, or is unknown), "stream", "cancel",
            "health", "purge", "retry", "manage" (the catalogue, billing, REST and GraphQL).
            Requests of workers: "take" (job-take), "chunk" (job-stream), "done" (job-done), "stop"
            (job-stop), "ping". "start" is the start of a worker's process.
        kind: What. "answer": the HTTP `status` instead of the effect. "drop_before": the
            connection is reset and nothing happens. "drop_after": it happens, then the connection
            is reset. "hang": it happens, and the answer comes `seconds` later. "garble": it
            happens, and the answer is 200 with a page that is no JSON. "repeat" (stream): the
            chunks are told, and told again at the next request. "late" (stream): chunks are held
            back, and told `seconds` after the job has ended. "kill_worker" (start, take, chunk,
            done): it happens, and the worker's processes get SIGKILL; at "done" the result is lost
            with it.
        status: The HTTP status of "answer".
        seconds: Of "hang" and "late"; of "kill_worker" at "start", from the start to the end.
        times: How many fitting requests it meets; None for ever.
        nth: The first of them, counted from 1 among the fitting ones since it was added.
        endpoint: Only this endpoint's requests; None all.
        job: Only requests about the job with this id; None all.
        met: How many requests it has met.

    Raises:
        ValueError: The kind does not exist at that place.
    """

    place: Place
    kind: Kind
    status: int = 500
    seconds: float = 0.0
    times: int | None = 1
    nth: int = 1
    endpoint: str | None = None
    job: str | None = None
    met: int = field(default=0, init=False)
    _seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in _kinds_at(self.place):
            expected = ", ".join(sorted(_kinds_at(self.place)))
            raise ValueError(f"at {self.place!r} there are {expected}, not {self.kind!r}")

    def notices(self, place: Place, endpoint: str, job: str) -> bool:
        """Say whether it shall happen to this request, and count those that fit."""
        fits = place == self.place and self.endpoint in {None, endpoint} and self.job in {None, job}
        self._seen += fits
        used_up = self.times is not None and self.met >= self.times
        return fits and self._seen >= self.nth and not used_up


class Faults:
    """All faults of a stand-in; tests add, the server asks."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Let these go wrong from now on; where several fit a request, the first added counts."""
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def meeting(self, place: Place, endpoint: str = "", job: str = "") -> Fault | None:
        """Return the fault that this request meets."""
        with self._lock:
            due = [fault for fault in self._faults if fault.notices(place, endpoint, job)]
            for fault in due[:1]:
                fault.met += 1
        return due[0] if due else None


def _kinds_at(place: str) -> set[str]:
    if place == "start":
        return {"kill_worker"}
    kinds = {"answer", "drop_before", "drop_after", "hang", "garble"}
    if place == "stream":
        kinds |= {"repeat", "late"}
    if place in {"take", "chunk", "done"}:
        kinds.add("kill_worker")
    return kinds
