"""How fast the server reads a job of 10,000 trials, and how large its answers are.

The run is made up, at random, so that it compresses no better than a real one; an event has 7 KB,
as real ones have. A real server, in a process of its own, is asked through a socket, one question
after the other. "First" is the first question of all, for which the whole log is read; "new trial"
is asked each time after a trial more has ended, so that nothing that was kept is right any more.

Run: nox -s bench -- benchmarks/server_reads.py
     .nox/dev/bin/python benchmarks/server_reads.py --trials 10000 --rounds 200
Expect: p95 of pages below 50 ms; all trials at once below 1 MB and below 300 ms.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from made_run import MadeRun
from server_load import serving

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = "made"
NOTHING: dict[str, str] = {}


@dataclass
class Measured:
    """What one kind of question took.

    Attributes:
        milliseconds: Of each, from the request to the answer's last byte.
        worked: The server's processor time for all of them, milliseconds: other programs on this
            machine make no answer cheaper, or much dearer.
        size: Bytes of the last answer's body, as it came over the wire.
    """

    name: str
    milliseconds: list[float] = field(default_factory=list)
    worked: float = 0.0
    size: int = 0

    def line(self) -> str:
        """Return a row of a Markdown table."""
        taken = sorted(self.milliseconds)
        high = taken[min(len(taken) - 1, round(0.95 * len(taken)))]
        middle = statistics.median(taken)
        return (
            f"| {self.name} | {len(taken)} | {middle:.1f} | {high:.1f} | {taken[-1]:.1f} "
            f"| {self.worked / len(taken):.1f} | {self.size:,} |"
        )


class Asker:
    """Asks a server about a job.

    Args:
        client: Its connection stays open.
        job: The job's URL.
        server: Its process.
    """

    def __init__(self, client: httpx.Client, job: str, server: psutil.Process) -> None:
        self._client, self._job, self._server = client, job, server

    def ask(
        self, measured: Measured, path: str, expect: int = 200, headers: dict[str, str] = NOTHING
    ) -> httpx.Response:
        """Ask once, and note what it took."""
        before, begin = self._worked(), time.perf_counter()
        with self._client.stream("GET", self._job + path, headers=headers) as answer:
            body = b"".join(answer.iter_raw())
            measured.milliseconds.append((time.perf_counter() - begin) * 1e3)
        if answer.status_code != expect:
            raise RuntimeError(f"{path}: {answer.status_code} {body[:500]!r}")
        measured.worked += self._worked() - before
        measured.size = len(body)
        return answer

    def _worked(self) -> float:
        times = self._server.cpu_times()
        return float(times.user + times.system) * 1e3

    def get(self, path: str) -> Any:
        """Return an answer, unmeasured."""
        return self._client.get(self._job + path).raise_for_status().json()


def measure_pages(asker: Asker, rounds: int) -> list[Measured]:
    """Ask for pages in many ways; the first page of each order is among its questions."""
    kinds = {
        "page of 100, by number": "/trials",
        "page of 100, by score, best first": "/trials?sort=score&order=desc",
        "page of 100, by health": "/trials?sort=overall_health&order=desc",
        "page of 100, completed ones of score 0.5 at least": (
            "/trials?state=complete&min_score=0.5&sort=score&order=desc"
        ),
        "page of 1,000, by number": "/trials?limit=1000",
    }
    results = []
    for name, path in kinds.items():
        measured = Measured(name)
        asked, then = path, ""
        for _ in range(rounds):
            asker.ask(measured, asked)
            then = asker.get(asked)["next"] or ""
            joint = "&" if "?" in path else "?"
            asked = f"{path}{joint}cursor={then}" if then else path
        results.append(measured)
    return results


def measure_rest(asker: Asker, rounds: int) -> list[Measured]:
    """Ask for all other things that were not changed."""
    columns, known = Measured("all trials, unchanged"), Measured("all trials, 304")
    for _ in range(rounds):
        tag = asker.ask(columns, "/columns").headers["etag"]
        asker.ask(known, "/columns", 304, {"If-None-Match": tag})
    results = [columns, known]
    kinds = {"one trial": "/trials/{}", "best trial": "/best-trial", "trends": "/trends", "job": ""}
    for name, path in kinds.items():
        measured = Measured(name)
        for number in range(rounds):
            asker.ask(measured, path.format(number))
        results.append(measured)
    return results


def measure_changes(asker: Asker, made: MadeRun, rounds: int) -> list[Measured]:
    """Ask after each trial more that has ended."""
    kinds = {
        "new trial: page of 100, by score": "/trials?sort=score&order=desc",
        "new trial: all trials": "/columns",
        "new trial: trends": "/trends",
    }
    results = []
    for name, path in kinds.items():
        measured = Measured(name)
        for _ in range(rounds):
            made.add()
            asker.ask(measured, path)
        results.append(measured)
    return results


def make(root: Path, trials: int, epochs: int) -> MadeRun:
    """Write the run, and say what it is."""
    begin = time.perf_counter()
    made = MadeRun(root, JOB, trials, epochs)
    made.begin()
    for _ in range(trials):
        made.add()
    size = made.run.events.stat().st_size
    print(
        f"made {trials:,} trials of {epochs} epochs in {time.perf_counter() - begin:.0f} s; "
        f"events.jsonl has {size / 1e6:.0f} MB"
    )
    return made


def timed(name: str, ask: Callable[[Measured], Any]) -> Measured:
    """Measure one question."""
    measured = Measured(name)
    ask(measured)
    return measured


def main() -> None:
    """Measure, and print Markdown."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--trials", type=int, default=10_000)
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--rounds", type=int, default=200)
    given = options.parse_args()
    names = ("fastapi", "uvicorn", "pydantic")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}"
    )
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "runs", given.trials, given.epochs)
        with (
            serving(Path(folder), 1, "--rate-limit", "100000/second") as (process, api),
            httpx.Client(timeout=600) as client,
        ):
            server = psutil.Process(process.pid)
            asker = Asker(client, f"{api}/jobs/{JOB}", server)
            before = server.memory_info().rss
            results = [timed("first: page of 100", lambda m: asker.ask(m, "/trials"))]
            results.append(timed("first: all trials", lambda m: asker.ask(m, "/columns")))
            results += measure_pages(asker, given.rounds)
            results += measure_rest(asker, given.rounds)
            results += measure_changes(asker, made, max(1, given.rounds // 5))
            after = server.memory_info().rss
    print("\n| question | n | p50 ms | p95 ms | longest ms | CPU ms | bytes |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(measured.line() for measured in results))
    print(f"\nMemory of the server: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after.")


if __name__ == "__main__":
    main()
