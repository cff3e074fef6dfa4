"""A server's folder, its database, and one supervisor after the other, with processes of tests."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from job_program import PROGRAM
from server_database import settings

from hpo_torch.results.event_log import read_events
from hpo_torch_server.caretaker import Patience
from hpo_torch_server.job_store import JobStore
from hpo_torch_server.processes import Commands, JobProcess
from hpo_torch_server.states import JobState
from hpo_torch_server.supervisor import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from hpo_torch_server.job_row import JobRow

MARKS = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]
SECONDS = 60.0  # in which a job gets anywhere, on a busy machine
LONG = {"pause": 0.05, "trials": 400}


class Place:
    """A server's folder, its database, and one supervisor after the other."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.root, self.state, self.engine = folder / "runs", folder / "state", engine
        self.store = JobStore(engine, self.root)
        self.supervisor: Supervisor | None = None

    def supervise(
        self,
        *,
        places: int = 1,
        signals: tuple[float, float] = (60.0, 60.0),
        deaths: int = 3,
        start: bool = True,
    ) -> Supervisor:
        """Make the next supervisor; its jobs are `job_program`."""
        self.supervisor = Supervisor(
            self.store,
            self.engine,
            state_dir=self.state,
            places=places,
            commands=Commands(PROGRAM),
            patience=Patience(signals, deaths),
        )
        if start:
            self.supervisor.start()
        return self.supervisor

    def create(self, name: str, *, trials: int = 2, max_epochs: int = 2, **ways: Any) -> JobRow:
        """Queue a job; `ways` as in `job_program`."""
        config = settings(trials=trials, min_epochs=1, max_epochs=max_epochs, fix=ways)
        row = self.store.create("ann", config, name)
        if self.supervisor is not None:
            self.supervisor.wake()
        return row

    def until(self, job: str, *states: JobState) -> JobRow:
        """Wait until a job is in one of these states."""
        deadline = time.monotonic() + SECONDS
        while True:
            row = self.store.get(job)
            assert row is not None, job
            if row.state in states:
                return row
            assert time.monotonic() < deadline, (row, self.log(job))
            time.sleep(0.02)

    def until_event(self, job: str, kind: str, count: int = 1) -> None:
        """Wait until a job's run has said something so often."""
        deadline = time.monotonic() + SECONDS
        while self.kinds(job).count(kind) < count:
            assert time.monotonic() < deadline, (self.store.get(job), self.log(job))
            time.sleep(0.02)

    def kinds(self, job: str) -> list[str]:
        """Return the kinds of a run's events."""
        path = self.root / job / "events.jsonl"
        return [event.kind for event in read_events(path)] if path.exists() else []

    def trials(self, job: str) -> list[int]:
        """Return the numbers of a run's finished trials, as its events say."""
        events = read_events(self.root / job / "events.jsonl", "trial_finished")
        return [event.trial for event in events]

    def epochs(self, job: str) -> list[tuple[int, int]]:
        """Return a run's finished epochs, as its events say: trial and epoch."""
        events = read_events(self.root / job / "events.jsonl", "epoch_finished")
        return [(event.trial, event.metrics.epoch) for event in events]

    def log(self, job: str) -> str:
        """Return what a job's processes said."""
        path = self.state / "jobs" / job / "log.txt"
        return path.read_text() if path.exists() else ""

    def end_all(self) -> None:
        """End the supervisor and all processes."""
        if self.supervisor is not None:
            self.supervisor.stop()
        for row in self.store.where(set(JobState)):
            process = row.process and JobProcess(row.process)
            while process is not None and process.is_alive():
                process.kill()
                time.sleep(0.01)
