"""A server and its jobs, real processes all of them, that are killed (SIGKILL) over and over."""

from __future__ import annotations

import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx
import psutil

if TYPE_CHECKING:
    from pathlib import Path

Victim = Literal["server", "job", "both"]

PROGRAM = [sys.executable, "-m", "hpo_torch.cli.app"]
PATIENCE = 300.0  # seconds in which a process must come to something, on a busy machine
# A search of a few seconds, most of which are its processes' start.
SEARCH: dict[str, Any] = {
    "dataset": "digits",
    "trials": 3,
    "options": {
        "epochs": 3,
        "device": "cpu",
        "plots": "none",
        "fix": {
            "conv_layers": 2,
            "filters": 16,
            "hidden_layers": 1,
            "hidden_units": 64,
            "batch_size": 128,
        },
    },
    "settings": {"training.precision": "32-true", "health.probe_size": 64},
}


@dataclass(frozen=True, slots=True)
class Blow:
    """One kill.

    Attributes:
        victim: Who.
        delay: Seconds to it, from when there is somebody to be hit.
        absence: Seconds for which a server that was hit stays away.
    """

    victim: Victim
    delay: float
    absence: float


def random_blows(seed: int, count: int, *, pace: float) -> list[Blow]:
    """Return blows, as many on servers as on jobs; equal seeds, equal blows.

    Args:
        seed: Of all that is random.
        count: How many.
        pace: Most seconds between two.
    """
    draw = random.Random(seed)
    victims: list[Victim] = ["server", "job", "both", "job", "server"]
    return [
        Blow(victims[index % len(victims)], draw.uniform(0.0, pace), draw.uniform(0.0, 2.0))
        for index in range(count)
    ]


class ServerChaos:
    """A server on a folder of its own.

    Args:
        root: Of all folders; made.
        places: Runs at once.
        seed: Of which job is hit.

    Attributes:
        runs: The folder of runs.
        kills: Who was hit, in order: "server" or a job's id.
    """

    def __init__(self, root: Path, *, places: int, seed: int) -> None:
        root.mkdir(parents=True)
        self.runs, self._log = root / "runs", root / "server.txt"
        self._places, self._draw = places, random.Random(seed)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._server: subprocess.Popen[bytes] | None = None
        self.kills: list[str] = []

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = ["--port", str(self._port), "--output-dir", str(self.runs)]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*PROGRAM, "serve", *options, "--jobs", str(self._places)], stdout=log, stderr=log
            )
        self.ask("GET", "/health")

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Send a request until there is an answer, as a client does that wants to be sure of it."""
        url, deadline = f"http://127.0.0.1:{self._port}/api/v1{path}", time.monotonic() + PATIENCE
        while True:
            try:
                answer = httpx.request(method, url, timeout=30.0, **more)
            except httpx.TransportError:
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.1)
            else:
                assert answer.status_code < 400, answer.text
                return answer.json()

    def create(self, name: str) -> None:
        """Ask for a search, and once more, since an answer may have got lost."""
        for _ in range(2):
            headers = {"Idempotency-Key": f"key-of-{name}"}
            answer = self.ask("POST", "/optimize", json={**SEARCH, "name": name}, headers=headers)
            assert answer["job_id"] == name

    def states(self) -> dict[str, str]:
        """Return the state of every job."""
        return {job["job_id"]: job["status"] for job in self.ask("GET", "/jobs")["items"]}

    def strike(self, blow: Blow) -> None:
        """Kill somebody, and have a server be there again."""
        victim = None
        if blow.victim != "server":
            victim = self._await_job(blow.delay)
        else:
            time.sleep(blow.delay)
        if blow.victim != "job":
            assert self._server is not None
            self._server.kill()
            self.kills.append("server")
        if victim is not None:
            job, process = victim
            process.kill()
            self.kills.append(job)
        if blow.victim != "job":
            self._server.wait()
            time.sleep(blow.absence)
            self.start()

    def await_ends(self, seconds: float) -> dict[str, str]:
        """Wait until every job has ended; return their states."""
        deadline = time.monotonic() + seconds
        ended = {"completed", "failed", "stopped"}
        while not set((states := self.states()).values()) <= ended:
            assert time.monotonic() < deadline, states
            time.sleep(0.5)
        return states

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Return the processes that work on each job, without their workers; by the job's id."""
        found: dict[str, list[psutil.Process]] = {}
        for process in psutil.process_iter(["cmdline", "status"]):
            command = process.info["cmdline"] or []
            if process.info["status"] != psutil.STATUS_ZOMBIE and command[1:3] == PROGRAM[1:]:
                for job in self.rows():
                    config = str(self.runs / ".server" / "jobs" / job / "config.yaml")
                    if config in command or str(self.runs / job) in command:
                        found.setdefault(job, []).append(process)
        return found

    def stop(self) -> None:
        """End the server, as its user does, and whoever is left."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(PATIENCE)
        for processes in self.processes().values():
            for process in processes:
                process.kill()

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what the database knows of every job."""
        path = self.runs / ".server" / "server.sqlite3"
        with closing(sqlite3.connect(path, timeout=30.0)) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM jobs").fetchall()
        return {row["id"]: dict(row) for row in rows}

    def _await_job(self, delay: float) -> tuple[str, psutil.Process]:
        """Return a job's process that may be hit, `delay` seconds after there is one."""
        deadline, since = time.monotonic() + PATIENCE, None
        while time.monotonic() < deadline:
            now, candidates = time.monotonic(), self._candidates()
            if candidates and since is None:
                since = now
            if candidates and since is not None and now >= since + delay:
                job = self._draw.choice(sorted(candidates))
                return job, candidates[job]
            time.sleep(0.1)
        raise AssertionError(f"no job has a process: {self.rows()}\n{self._log.read_text()}")

    def _candidates(self) -> dict[str, psutil.Process]:
        """Return jobs' processes by job, but for jobs that the next death would end.

        Whose processes die three times in a row without getting anywhere has failed, as it should.
        """
        rows, candidates = self.rows(), {}
        for job, processes in self.processes().items():
            assert len(processes) == 1, (job, [process.cmdline() for process in processes])
            if rows[job]["deaths"] < 2 or self._epochs(job) > rows[job]["epochs"]:
                candidates[job] = processes[0]
        return candidates

    def _epochs(self, job: str) -> int:
        log = self.runs / job / "events.jsonl"
        return log.read_bytes().count(b'"kind":"epoch_finished"') if log.exists() else 0
