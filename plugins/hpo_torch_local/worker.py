"""What runs inside a worker process: import once, then train job after job."""

from __future__ import annotations

import faulthandler
import gc
import io
import os
import pkgutil
import queue
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import run_job
from hpo_torch_local.devices import visible_device
from hpo_torch_local.messages import COMMANDS, RunJob, StopJob, WorkerReady
from hpo_torch_local.orphans import die_with_parent
from hpo_torch_local.outbox import Outbox

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from hpo_torch.plugin_api import TrainFunction
    from hpo_torch.protocol.job import TrialJob


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a worker needs to know before its first job.

    Attributes:
        name: In events and messages ("local-0").
        target: The training function, "package.module:attribute".
        log: File that takes the worker's stdout and stderr.
        environment: Variables set before torch is imported.
        threads: CPU threads for torch.
    """

    name: str
    target: str
    log: Path
    environment: dict[str, str]
    threads: int


def run_worker(connection: Connection, setup: WorkerSetup) -> None:
    """Serve jobs until the backend says so or disappears; the target of the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the study's to decide
    _redirect_output(setup.log)
    die_with_parent()
    os.environ.update(setup.environment)
    outbox = Outbox(connection)
    inbox = _Inbox(connection, outbox)
    threading.Thread(target=inbox.read, name="commands", daemon=True).start()
    train: TrainFunction = pkgutil.resolve_name(setup.target)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(setup.threads)
    gc.freeze()  # what was imported stays: the collector, after each trial, need not look at it
    outbox.emit(WorkerReady())
    try:
        while (job := inbox.next_job()) is not None:
            device = visible_device(job.device, setup.environment)
            resolved = job.model_copy(update={"device": device})
            run_job(train, resolved, outbox.emit, inbox.stop_of(job), worker=setup.name)
            inbox.forget(job)
    finally:
        outbox.flush()


class _Inbox:
    """What the worker is told: a thread reads commands while the main thread trains."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection, self._outbox = connection, outbox
        self._jobs: queue.SimpleQueue[TrialJob | None] = queue.SimpleQueue()
        self._stops: dict[str, threading.Event] = {}
        self._closing = False

    def read(self) -> None:
        """Obey commands until `Shutdown`; without a backend at the other end, die at once."""
        while not self._closing:
            try:
                command = COMMANDS.validate_json(self._connection.recv_bytes())
            except (EOFError, OSError):
                os._exit(1)  # the backend's process is gone: nobody waits for a result
            if isinstance(command, RunJob):
                self._stops[command.job.attempt] = threading.Event()
                self._jobs.put(command.job)
            elif isinstance(command, StopJob):
                self._stop(command.attempt)
            else:
                self._shut_down()

    def next_job(self) -> TrialJob | None:
        """Wait for a job; None asks the worker to exit."""
        return self._jobs.get()

    def stop_of(self, job: TrialJob) -> threading.Event:
        """Return the event that is set when the job is to stop."""
        return self._stops[job.attempt]

    def forget(self, job: TrialJob) -> None:
        """Drop what is kept of a finished job."""
        del self._stops[job.attempt]

    def _stop(self, attempt: str) -> None:
        stop = self._stops.get(attempt)  # None: it has just finished by itself
        if stop is not None:
            stop.set()

    def _shut_down(self) -> None:
        self._closing = True
        self._outbox.silence()
        for stop in list(self._stops.values()):
            stop.set()
        self._jobs.put(None)


def _redirect_output(log: Path) -> None:
    """Send everything printed, by C code too, to the log: the terminal is the study's."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    for text in (sys.stdout, sys.stderr):
        if isinstance(text, io.TextIOWrapper):
            text.reconfigure(line_buffering=True)
    faulthandler.enable()
