"""One contender of search_efficiency.py at a time: started, ended at its budget, and read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent
GRACE_SECONDS = 10.0  # to end after being asked to
ASKED = 2  # times: hpo-torch ends its epoch at the first, and at once at the second
SHOWN = 2_000  # characters of a failed contender's output


@dataclass(frozen=True, slots=True)
class Ended:
    """How a contender's process ended.

    Attributes:
        seconds: For which it ran; the budget at most.
        failure: Its exit code and last words, if it failed before the budget; else empty.
    """

    seconds: float
    failure: str


def environment() -> dict[str, str]:
    """Return the environment of all contenders; what they start finds their modules, too."""
    return os.environ | {
        "PYTHONPATH": str(HERE),
        "PYTHONUNBUFFERED": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # not below whatever else this machine does, as the others
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def run_for(arguments: Sequence[str], started: float, budget: float, output: Path) -> Ended:
    """Run a command until its budget is over, then end it with everything that it started.

    Args:
        arguments: The command.
        started: From when its seconds count, seconds since 1970: now.
        budget: Seconds.
        output: File for what it prints.
    """
    with output.open("w+b") as log:
        process = psutil.Popen(
            arguments,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd=output.parent,
            start_new_session=True,
        )
        try:
            code = _wait(process, started + budget - time.time())
        finally:
            end(process)
    seconds = min(time.time() - started, budget)
    if not code:  # it goes on, or has no more to do
        return Ended(budget, "")
    last_words = output.read_text(encoding="utf-8", errors="replace")[-SHOWN:]
    return Ended(seconds, f"exit code {code}: {last_words}")


def _wait(process: psutil.Popen, seconds: float) -> int | None:
    """Return the exit code, or None after some seconds."""
    try:
        code: int = process.wait(max(seconds, 0.0))
    except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
        return None
    return code


def end(process: psutil.Popen) -> None:
    """End a process with all that came of it: the next contender must be alone."""
    children = _children(process)
    for _ in range(ASKED):
        if process.poll() is not None:
            break
        with suppress(psutil.NoSuchProcess):  # it may end just now
            process.terminate()
        _wait(process, GRACE_SECONDS)
    children |= _children(process)
    with suppress(ProcessLookupError):  # its session: also those whose parent is gone
        os.killpg(process.pid, signal.SIGKILL)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(list(children), GRACE_SECONDS)
    _wait(process, GRACE_SECONDS)


def _children(process: psutil.Popen) -> set[psutil.Process]:
    try:
        return set(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def warm_up(python: str, modules: Sequence[str]) -> None:
    """Import what a contender needs once, so that the first search does not pay for the disk.

    Raises:
        SystemExit: That fails: the environment does not have them.
    """
    code = "; ".join(f"import {module}" for module in modules)
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False, env=environment()
    )
    if done.returncode:
        sys.exit(f"{python} cannot import {', '.join(modules)}:\n{done.stderr[-SHOWN:]}")


def versions_in(python: str, packages: Sequence[str]) -> Mapping[str, str]:
    """Return the versions of distributions in another environment."""
    code = "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
    done = subprocess.run(
        [python, "-c", code, *packages], capture_output=True, text=True, check=True
    )
    return dict(zip(packages, done.stdout.split(), strict=True))
