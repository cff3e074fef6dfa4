"""What goes wrong between hpo-torch and RunPod, and how a trial ends: tested, and documented.

tests/plugins/hpo_torch_runpod/test_fault_matrix.py provokes every case on the stand-in. The same
cases are the table of docs/runpod.md, which `python tests/support/fault_matrix.py` writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong.

    Attributes:
        during: What hpo-torch, or a worker, is doing.
        what: What goes wrong, for people.
        faults: For `hpo_torch.testing.runpod_standin.Fault`.
        ends: How each attempt at the trial ends, in order; a retry follows a lost worker.
        jobs: Jobs that RunPod was given in all.
        behaviour: Of the fake training; "wait" is stopped once it runs, and "stall" loses its
            worker after its first epoch.
        endpoint: What the endpoint does meanwhile.
        says: A part of the message of the last end.
    """

    during: str
    what: str
    faults: tuple[dict[str, Any], ...] = ()
    ends: tuple[str, ...] = ("completed",)
    jobs: int = 1
    behaviour: str = "complete"
    endpoint: dict[str, Any] = field(default_factory=dict)
    says: str = ""

    @property
    def name(self) -> str:
        """Return a name for tests."""
        return f"{self.during}: {self.what}"


# What may pass with time, at any request; the second is a few in a row.
PASSING = {
    "too many requests (429), twice": {"kind": "answer", "status": 429, "times": 2},
    "an error of the server (500), twice": {"kind": "answer", "status": 500, "times": 2},
    "the connection is lost before the request arrives": {"kind": "drop_before"},
    "no answer in time": {"kind": "hang", "seconds": 4.0},
}
LOST = {
    "the answer is lost": {"kind": "drop_after"},
    "the answer is a page that is no JSON": {"kind": "garble"},
}


def _passing(during: str, place: str, jobs: int = 1, **more: Any) -> Iterator[Case]:
    for what, fault in PASSING.items():
        made = jobs if fault["kind"] == "hang" else 1
        yield Case(during, what, ({"place": place, **fault},), jobs=made, **more)


def _lost(during: str, place: str, jobs: int = 1, **more: Any) -> Iterator[Case]:
    for what, fault in LOST.items():
        yield Case(during, what, ({"place": place, **fault},), jobs=jobs, **more)


STOP: dict[str, Any] = {"behaviour": "wait", "ends": ("stopped",)}
AGAIN = ("worker_died", "completed")

CASES = (
    # Of two jobs for one attempt the workers let only one train it.
    *_passing("submit", "submit", jobs=2),
    *_lost("submit", "submit", jobs=2),
    Case(
        "submit",
        "the key is not accepted (401)",
        ({"place": "submit", "kind": "answer", "status": 401},),
        ends=("backend",),
        jobs=0,
        says="RUNPOD_API_KEY is not accepted",
    ),
    Case(
        "submit",
        "the endpoint is gone (404)",
        ({"place": "submit", "kind": "answer", "status": 404},),
        ends=("backend",),
        jobs=0,
        says="no such endpoint",
    ),
    Case(
        "submit",
        "the job is refused, as too large ones are (400)",
        ({"place": "submit", "kind": "answer", "status": 400},),
        ends=("backend",),
        jobs=0,
        says="HTTP 400",
    ),
    Case(
        "submit",
        "errors without end (503)",
        ({"place": "submit", "kind": "answer", "status": 503, "times": None},),
        ends=("backend",),
        jobs=0,
        says="HTTP 503",
    ),
    *_passing("poll", "poll"),
    *_lost("poll", "poll"),
    Case(
        "poll",
        "the key is not accepted any more (401)",
        ({"place": "poll", "kind": "answer", "status": 401},),
        behaviour="wait",
        ends=("backend",),
        says="RUNPOD_API_KEY is not accepted",
    ),
    Case(
        "poll",
        "the job is not known once (404)",
        ({"place": "poll", "kind": "answer", "status": 404},),
    ),
    Case(
        "poll",
        "the job is not known any more (404)",
        ({"place": "poll", "kind": "answer", "status": 404, "times": 3},),
        behaviour="wait",
        ends=("worker_died", "stopped"),
        jobs=2,
    ),
    Case(
        "poll",
        "errors without end (503)",
        ({"place": "poll", "kind": "answer", "status": 503, "times": None},),
        behaviour="wait",
        ends=("backend",),
        says="HTTP 503",
    ),
    *_passing("stream", "stream"),
    *_lost("stream", "stream"),
    Case("stream", "chunks come twice", ({"place": "stream", "kind": "repeat", "times": None},)),
    Case(
        "stream",
        "chunks come after the job's end",
        ({"place": "stream", "kind": "late", "seconds": 2.0},),
    ),
    *_passing("fetch the result", "fetch"),
    *_lost("fetch the result", "fetch"),
    Case(
        "fetch the result",
        "the job is not known any more (404)",
        ({"place": "fetch", "kind": "answer", "status": 404},),
    ),
    *_passing("cancel", "cancel", **STOP),
    *_lost("cancel", "cancel", **STOP),
    Case(
        "cancel",
        "the job is not known any more (404)",
        ({"place": "cancel", "kind": "answer", "status": 404},),
        **STOP,
    ),
    Case(
        "training",
        "the worker is lost; RunPod gives the job to the next one",
        behaviour="stall",
        endpoint={"worker_loss": "requeue"},
    ),
    Case(
        "training",
        "the worker is lost; the job fails",
        behaviour="stall",
        ends=AGAIN,
        jobs=2,
        endpoint={"worker_loss": "fail"},
    ),
    Case(
        "training",
        "the worker is lost; RunPod does not notice",
        behaviour="stall",
        ends=("timeout",),
        endpoint={"worker_loss": "silence"},
        says="execution time is over",
    ),
    Case(
        "training",
        "a chunk is not taken from the worker (500)",
        ({"place": "chunk", "kind": "answer", "status": 500, "times": 20},),
    ),
    Case(
        "the worker's last word",
        "is not taken for a while (500)",
        ({"place": "done", "kind": "answer", "status": 500, "times": 2},),
    ),
    Case(
        "the worker's last word",
        "is never taken, and RunPod thinks that the job runs",
        ({"place": "done", "kind": "answer", "status": 400, "times": None},),
    ),
    Case(
        "the worker's last word",
        "is lost: the job is completed without a result",
        endpoint={"oversized_result": "lost", "result_limit_bytes": 10},
    ),
    Case(
        "the worker's last word",
        "is too large: the job fails",
        endpoint={"oversized_result": "failed", "result_limit_bytes": 10},
    ),
    Case(
        "waiting",
        "the endpoint may have no workers",
        ends=("backend",),
        endpoint={"workers_max": 0, "workers_min": 0},
        says="maximum of its workers",
    ),
    Case(
        "waiting",
        "no GPU of its tier is free",
        ends=("backend",),
        endpoint={"worker_trouble": "throttled"},
        says="throttled",
    ),
)


ONCE = "completed, and trained once: RunPod has two jobs then, of which workers let one train it"
BEGIN, END = "<!-- fault matrix: begin -->\n", "<!-- fault matrix: end -->"


def outcome(case: Case) -> str:
    """Return how a trial ends, for people."""
    match case.ends:
        case ("completed",):
            return ONCE if case.jobs > 1 else "completed"
        case ("worker_died", "completed"):
            return "this attempt fails, the next one completes"
        case ("worker_died", "stopped"):
            return "this attempt fails, and its job is cancelled; the next one is trained"
        case ("backend",):
            return "RunPod has failed: the run falls back, or stops to be resumed"
        case ("timeout",):
            return "failed: timeout"
    return case.ends[0]


def table() -> str:
    """Return the matrix in Markdown."""
    lines = ["| During | What goes wrong | The trial |", "|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| {each.during} | {each.what} | {outcome(each)} |" for each in CASES), ""]
    )


def document(text: str) -> str:
    """Return docs/runpod.md with the table in its place."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    path = Path(__file__).parents[2] / "docs" / "runpod.md"
    path.write_text(document(path.read_text("utf-8")), encoding="utf-8")
