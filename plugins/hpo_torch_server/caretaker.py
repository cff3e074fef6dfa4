"""Looks after one job at a time: starts its process, follows it, and says how it ended."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import HpoTorchError, OutputError
from hpo_torch.plugin_runs import (
    CONFIG_FILE,
    INTERRUPTED,
    RunDirectory,
    RunInUseError,
    StorageError,
    working_process,
)
from hpo_torch_server.outcome import ended, finished_epochs, read_summary, summary_time
from hpo_torch_server.processes import JobProcess, command_words, find_process, job_environment
from hpo_torch_server.state_folder import heading
from hpo_torch_server.states import ACTIVE, JobState

if TYPE_CHECKING:
    from hpo_torch_server.job_row import JobRow
    from hpo_torch_server.job_store import JobStore
    from hpo_torch_server.processes import Commands
    from hpo_torch_server.state_folder import StateFolder

_REFUSALS: Final = frozenset(range(2, 9))
"""Exit codes of `hpo_torch.errors` after which there is no use in trying again. There is where
another process worked on the run (9), which has ended since."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how often, a job's process is waited for.

    Attributes:
        signals: Seconds after each request to end, before the next: the first lets trials finish
            their epoch, the second ends them; after that it is killed.
        deaths: In a row, without a finished epoch in between, after which a job has failed.
    """

    signals: tuple[float, float] = (60.0, 60.0)
    deaths: int = 3


PATIENT: Final = Patience()


class Caretaker:
    """Looks after jobs; not thread-safe.

    Args:
        jobs: The jobs.
        folder: The server's folder of state.
        commands: The commands that jobs are.
        patience: How long, and how often, processes are waited for.
    """

    def __init__(
        self,
        jobs: JobStore,
        folder: StateFolder,
        commands: Commands,
        patience: Patience,
    ) -> None:
        self._jobs, self._folder, self._commands = jobs, folder, commands
        self._patience = patience
        self._processes: dict[str, JobProcess] = {}

    def begin(self, row: JobRow) -> None:
        """Start a queued job, or let it go on."""
        if row.starts == 0 and row.run.exists():
            error = f"{row.run} exists already: a run of that name was made in the meantime"
            self._jobs.move(row.id, {JobState.QUEUED}, JobState.FAILED, error=error)
            return
        first = row.started or self._jobs.now()
        started = self._jobs.move(
            row.id, {JobState.QUEUED}, JobState.STARTING, **self._new_start(row), started=first
        )
        if started is not None:
            self._launch(started)

    def look_after(self, row: JobRow) -> None:
        """Do what an active job needs now."""
        process = self._processes.get(row.id)
        if process is None and row.process is not None:  # of an earlier server
            process = self._processes[row.id] = JobProcess(row.process)
        if process is None:
            self._find_or_launch(row)
        elif process.is_alive():
            self._follow(row, process)
        else:
            self._settle(row, process)

    def _find_or_launch(self, row: JobRow) -> None:
        """Care for a job whose process, if any, an earlier server died too soon to note."""
        if row.state == JobState.STARTING:
            self._launch(row)
        elif (process := self._find(row)) is not None:
            self._take(row, process)
        else:
            self._settle(row, None)

    def _launch(self, row: JobRow) -> None:
        """Have a process work on a job that is starting: one that does already, or a new one."""
        process = self._find(row)
        if process is None:
            try:
                process = self._start_process(row)
            except HpoTorchError as error:
                if isinstance(error, StorageError):
                    raise
                self._jobs.move(row.id, {JobState.STARTING}, JobState.FAILED, error=str(error))
                return
        self._take(row, process)

    def _start_process(self, row: JobRow) -> JobProcess:
        if (row.run / CONFIG_FILE).exists():
            command = self._commands.go_on(row.run)
        else:
            # What a process left that was killed before its run began must not be in the way.
            RunDirectory(row.run).drop_unbegun()
            self._folder.write_config(row)
            command = self._commands.begin(self._folder.config(row.id))
        words = f"{self._jobs.now().isoformat(timespec='seconds')} {command_words(command)}"
        environment = job_environment(os.environ, row.config["execution"]["storage"])
        log = self._folder.log(row.id)
        return JobProcess.start(command, environment, log, heading(row.starts, words))

    def _find(self, row: JobRow) -> JobProcess | None:
        """Return a process that works on a job, be it of an earlier server or of the user's own."""
        holder = working_process(row.run)
        if holder is not None and holder.host == socket.gethostname():
            return JobProcess.of(holder.process)
        return find_process(
            self._commands.begin(self._folder.config(row.id)), self._commands.go_on(row.run)
        )

    def _take(self, row: JobRow, process: JobProcess) -> None:
        self._processes[row.id] = process
        self._jobs.note(row.id, ACTIVE, pid=process.id.pid, pid_created=process.id.created)

    def _follow(self, row: JobRow, process: JobProcess) -> None:
        if row.process != process.id:  # it could not be noted when it was started
            self._take(row, process)
        if row.state in {JobState.PAUSING, JobState.STOPPING}:
            self._press(row, process)
        elif row.state == JobState.STARTING and self._works(row, process):
            self._jobs.move(row.id, {JobState.STARTING}, JobState.RUNNING)

    def _works(self, row: JobRow, process: JobProcess) -> bool:
        holder = working_process(row.run)
        return holder is not None and holder.process == process.id.pid

    def _press(self, row: JobRow, process: JobProcess) -> None:
        """Ask a process to end, and then again, and then end it."""
        now = self._jobs.now()
        if row.signalled is not None:
            waits = self._patience.signals[min(row.signals, len(self._patience.signals)) - 1]
            if (now - row.signalled).total_seconds() < waits:
                return
        if not self._jobs.note(row.id, {row.state}, signals=row.signals + 1, signalled=now):
            return
        if row.signals < len(self._patience.signals):
            process.interrupt()
        else:
            process.kill()

    def _settle(self, row: JobRow, process: JobProcess | None) -> None:
        """Say how a job ended whose process has ended, or have another process go on."""
        code = None if process is None else process.exit_code
        if code == RunInUseError.exit_code and (worker := self._find(row)) is not None:
            self._take(row, worker)
            return
        try:
            end = self._end(row, code) or self._start_again(row)
        except OutputError as damage:
            end = JobState.FAILED, str(damage)
        if end is None:
            return
        state, error = end
        if self._jobs.move(row.id, {row.state}, state, error=error) is not None:
            self._processes.pop(row.id, None)

    def _end(self, row: JobRow, code: int | None) -> tuple[JobState, str | None] | None:
        """Return the state in which a process left its job; None where it just died."""
        summary = read_summary(row.run)
        # An old one says nothing of a process that died before it could remove it.
        if summary is not None and (code == 0 or summary_time(row.run) != row.summary_before):
            state, error = ended(summary)
            if summary.reason != INTERRUPTED:
                return state, error and (self._folder.last_words(row.id) or error)
        if row.state == JobState.PAUSING:
            return JobState.PAUSED, None
        if row.state == JobState.STOPPING:
            return JobState.STOPPED, None
        if code in _REFUSALS:
            words = self._folder.last_words(row.id)
            return JobState.FAILED, words or f"its process ended with exit code {code}"
        return None

    def _start_again(self, row: JobRow) -> tuple[JobState, str | None] | None:
        """Have another process go on, unless too many have died without getting anywhere."""
        new = self._new_start(row)
        deaths = 0 if new["epochs"] > row.epochs else row.deaths + 1
        if deaths >= self._patience.deaths:
            words = self._folder.last_words(row.id)
            return JobState.FAILED, (
                f"{deaths} of its processes in a row died without finishing an epoch"
                f"{f'; the last one said: {words}' if words else ''}"
            )
        again = self._jobs.move(row.id, {row.state}, JobState.STARTING, **new, deaths=deaths)
        if again is not None:
            self._processes.pop(row.id, None)
            self._launch(again)
        return None

    def _new_start(self, row: JobRow) -> dict[str, Any]:
        return {
            "pid": None,
            "pid_created": None,
            "starts": row.starts + 1,
            "epochs": finished_epochs(row.run),
            "summary_before": summary_time(row.run),
            "signals": 0,
            "signalled": None,
        }
