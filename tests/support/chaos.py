"""A search through the real command line whose processes are killed (SIGKILL) over and over."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

Victim = Literal["main", "worker", "both"]
Moment = Literal["start", "asked", "training", "file", "end"]

DIE_AT_WRITE = Path(__file__).with_name("die_at_write.py")
PROGRAM = [sys.executable, "-m", "hpo_torch.cli.app"]
# Arguments for trials of a fraction of a second, whose figures another process can compute again.
SMALL = [
    *("--dataset", "digits", "--device", "cpu", "--set", "training.precision=32-true"),
    *("--fix", "conv_layers=2", "--fix", "filters=16", "--fix", "hidden_layers=1"),
    *("--fix", "hidden_units=64", "--fix", "batch_size=128", "--set", "health.probe_size=64"),
    # Workers are killed more often in a row than a search puts up with by default.
    *("--set", "execution.retries=20"),
]
PATIENCE = 120.0  # seconds in which a process must reach a moment, on a busy machine
LAST_BREATH = 10.0  # seconds in which workers must follow their main process


@dataclass(frozen=True, slots=True)
class Blow:
    """One kill: who, and when.

    Attributes:
        after: Since when `delay` counts: the process's start, its event that the study starts
            (workers are starting then, and what an earlier process left is completed), its first
            event that a trial does, the first temporary file that it or a worker writes, or
            summary.json, which it writes before it scores the winner and draws.
        at_write: Instead of all that: the main process dies at its Nth change of a file.
    """

    victim: Victim
    after: Moment = "training"
    delay: float = 0.0
    at_write: int = 0


def random_blows(seed: int, count: int, *, pace: float) -> list[Blow]:
    """Return blows spread over start-up, training, and file writes.

    Args:
        seed: Equal ones, equal blows.
        count: How many.
        pace: Seconds within which a blow falls while trials train.
    """
    draw = random.Random(seed)
    kinds = ["start", "training", "write", "asked", "file", "training", "write", "training"]
    blows = []
    for index in range(count):
        victim: Victim = draw.choice(["main", "worker", "worker", "both"])
        match kinds[index % len(kinds)]:
            case "start":
                blows.append(Blow("main", "start", draw.uniform(0.0, 1.0)))
            case "asked":
                blows.append(Blow("main", "asked", draw.uniform(0.0, pace)))
            case "training":
                blows.append(Blow(victim, "training", draw.uniform(0.0, pace)))
            case "file":
                blows.append(Blow(victim, "file"))
            case _:
                blows.append(Blow("main", at_write=draw.randint(1, 60)))
    return blows


class Chaos:
    """One run that is begun, killed and resumed until it is done.

    Args:
        root: Folder of the run's folder; made.
        arguments: Of `hpo-torch optimize`, without --output-dir and --name.

    Attributes:
        run: The run's folder.
        kills: Blows that hit, by victim.
    """

    def __init__(self, root: Path, arguments: list[str]) -> None:
        root.mkdir()
        self.run = root / "chaos"
        self._optimize = ["optimize", *arguments, "--output-dir", str(root), "--name", "chaos"]
        self._log = root / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._began, self._known = 0.0, 0
        self.kills: list[Blow] = []

    def survive(self, blows: list[Blow]) -> None:
        """Take all blows, then let the run be finished."""
        for blow in blows:
            if self._process is None or blow.at_write:
                self._end_quietly()
                self._start(blow.at_write)
            if self._await(blow):
                self._strike(blow)
        self.finish()

    def finish(self) -> None:
        """Let the run come to its end, undisturbed."""
        process = self._process or self._start(0)
        assert process.wait(PATIENCE * 5) == 0, self._log.read_text()[-3000:]
        self._bury()

    def _start(self, at_write: int) -> subprocess.Popen[bytes]:
        begun = (self.run / "config.yaml").exists()
        arguments = ["resume", str(self.run)] if begun else self._optimize
        program = [sys.executable, str(DIE_AT_WRITE), str(self.run), str(at_write)]
        # A torn last line will be cut off.
        self._began, self._known = time.monotonic(), self._log_bytes().rfind(b"\n") + 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*(program if at_write else PROGRAM), *arguments, "--quiet"],
                stdout=log,
                stderr=log,
                process_group=0,
            )
        return self._process

    def _await(self, blow: Blow) -> bool:
        """Wait for a blow's moment; False where the process has ended by itself before."""
        process = self._process
        assert process is not None
        deadline = time.monotonic() + PATIENCE
        since = self._began if blow.after == "start" else None
        known = self._temporary_files()
        while process.poll() is None:
            now = time.monotonic()
            assert now < deadline, f"{blow}: not within {PATIENCE} s\n{self._log.read_text()}"
            if since is None and not blow.at_write and self._has_come(blow.after, known):
                since = now
            if since is not None and now >= since + blow.delay and self._victims(blow):
                return True
            time.sleep(0.0002 if blow.after == "file" else 0.005)
        if blow.at_write and process.returncode == -signal.SIGKILL:
            return True
        assert process.returncode == 0, self._log.read_text()[-3000:]
        self._bury()
        return False

    def _has_come(self, moment: Moment, known: set[Path]) -> bool:
        match moment:
            case "asked":
                return b'"kind":"study_started"' in self._new_events()
            case "training":
                return b'"kind":"trial_started"' in self._new_events()
            case "file":
                return bool(self._temporary_files() - known)
            case "end":
                return (self.run / "summary.json").exists()
            case _:
                return True

    def _strike(self, blow: Blow) -> None:
        for victim in self._victims(blow):
            victim.kill()
        self.kills.append(blow)
        if blow.victim != "worker":
            assert self._process is not None
            self._process.wait()
            self._bury()

    def _victims(self, blow: Blow) -> list[psutil.Process]:
        """Return whom a blow hits; nobody where a worker is to be hit and none is there."""
        if blow.at_write or self._process is None:
            return []
        workers = [] if blow.victim == "main" else self._workers()
        if blow.victim == "worker":
            return random.Random(len(self.kills)).sample(workers, k=min(1, len(workers)))
        return [*workers, psutil.Process(self._process.pid)]

    def _workers(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            children = psutil.Process(self._process.pid).children()
            return [child for child in children if "--multiprocessing-fork" in child.cmdline()]
        except psutil.NoSuchProcess:
            return []

    def _end_quietly(self) -> None:
        """End a process that outlived its worker, so that another one can be started."""
        if self._process is not None:
            self._strike(Blow("main"))

    def _bury(self) -> None:
        """Make sure that nobody of the process's group outlives it."""
        assert self._process is not None
        deadline = time.monotonic() + LAST_BREATH
        while _group_lives(self._process.pid):
            assert time.monotonic() < deadline, "a worker outlived its main process"
            time.sleep(0.02)
        self._process = None

    def _new_events(self) -> bytes:
        """Return what has been logged since the process started."""
        return self._log_bytes()[self._known :]

    def _log_bytes(self) -> bytes:
        events = self.run / "events.jsonl"
        return events.read_bytes() if events.exists() else b""

    def _temporary_files(self) -> set[Path]:
        return (
            set(self.run.glob(".*.tmp"))
            | set(self.run.glob("*/.*.tmp"))
            | set(self.run.glob("trials/*/.*.tmp"))
        )


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
