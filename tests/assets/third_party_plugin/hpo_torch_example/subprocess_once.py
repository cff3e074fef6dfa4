"""An execution backend: every trial in a process of its own, spoken to through pipes."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from hpo_torch.protocol.events import TrainingFinished, parse_event
from hpo_torch_example.worker import TRAIN_TARGET, failed

if TYPE_CHECKING:
    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.plugin_api import RunSite
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage

STDERR_TAIL = 4000


@dataclass(frozen=True)
class Running:
    """A trial's process and the thread that passes its events on until the process has ended."""

    process: subprocess.Popen[bytes]
    relay: threading.Thread


class SubprocessOnce:
    """Trials on this machine's CPU, `capacity` at once, nothing shared between them."""

    def __init__(self, capacity: int, train_target: str = TRAIN_TARGET) -> None:
        self._capacity = capacity
        self._command = (sys.executable, "-m", "hpo_torch_example.worker", train_target)
        self._running: dict[int, Running] = {}
        self._events: queue.SimpleQueue[BackendEvent] = queue.SimpleQueue()

    @property
    def capacity(self) -> int:
        """How many trials may be in flight at once."""
        return self._capacity

    @property
    def refusal(self) -> str:
        """Nothing: every job is taken."""
        return ""

    @property
    def settled(self) -> dict[str, RemoteUsage]:
        """Nothing: no attempt is paid for."""
        return {}

    def start(self, site: RunSite) -> None:
        """Nothing to bring up: processes start with their trials."""

    def submit(self, job: TrialJob) -> None:
        """Start a process and give it the job; its pipe stays open until the trial should stop."""
        self._running = {k: each for k, each in self._running.items() if each.relay.is_alive()}
        job = job.model_copy(update={"device": "cpu"})
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - the relay closes it
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        with contextlib.suppress(BrokenPipeError):  # a dead process is the relay's to report
            _pipe(process.stdin).write(job.model_dump_json().encode() + b"\n")
            _pipe(process.stdin).flush()
        relay = threading.Thread(target=self._relay, args=(job, process, errors), daemon=True)
        self._running[job.trial] = Running(process, relay)
        relay.start()

    def poll(self, timeout: float) -> list[BackendEvent]:
        """Return all events that are there; wait for the first one at most `timeout` seconds."""
        events: list[BackendEvent] = []
        deadline = time.monotonic() + timeout
        with contextlib.suppress(queue.Empty):
            while True:
                left = 0.0 if events else max(0.0, deadline - time.monotonic())
                events.append(self._events.get(timeout=left))
        return events

    def stop(self, trial: int) -> None:
        """Close the trial's standard input; one that has ended already has nothing to stop."""
        if running := self._running.get(trial):
            _close(running.process)

    def kill(self, trial: int) -> None:
        """Kill the trial's process; its relay says how it ended."""
        if running := self._running.get(trial):
            running.process.kill()

    def reattach(self, job: TrialJob) -> bool:
        """Find nothing: the processes end with the pipes of the process that started them."""
        return False

    def close(self) -> None:
        """Kill what still runs, and wait until all is freed."""
        for running in self._running.values():
            running.process.kill()
            running.relay.join()
        self._running.clear()

    def _relay(self, job: TrialJob, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        """Pass a process's events on; speak for it where it dies without its last word."""
        finished = False
        with errors:
            with _pipe(process.stdout) as lines, contextlib.suppress(ValidationError):
                for line in lines:  # the process's death may tear the last one: no valid JSON
                    event = parse_event(line)
                    self._events.put(event)  # type: ignore[arg-type]  # only a trial's events
                    if finished := isinstance(event, TrainingFinished):
                        break
            code = process.wait()
            _close(process)
            if not finished:
                errors.seek(0)
                log = errors.read()[-STDERR_TAIL:].decode(errors="replace")
                message = f"the trial's process ended before the trial: {_describe(code)}"
                self._events.put(failed(job, "worker_died", message, log))


def make_backend(settings: ExecutionSettings) -> SubprocessOnce:
    """Make the backend; every trial runs on the CPU, which is always there."""
    return SubprocessOnce(capacity=settings.jobs)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the process was started without this pipe")
    return pipe


def _close(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # what a dead process has not read is lost
        _pipe(process.stdin).close()


def _describe(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
