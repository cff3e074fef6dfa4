"""Starts queued jobs, watches their processes, and ends them: one thread, one per folder of state.

What is to be done is written to the database before it is done. Whatever kills the server, the next
one finds in the database what every job was about to do, and in the system what became of it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_runs import StorageError
from hpo_torch_server.caretaker import PATIENT, Caretaker, Patience
from hpo_torch_server.orders import Orders
from hpo_torch_server.processes import CLI, Commands
from hpo_torch_server.state_folder import StateFolder
from hpo_torch_server.states import ACTIVE, JobState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from hpo_torch_server.job_row import JobRow
    from hpo_torch_server.job_store import JobStore

BUSY_SECONDS: Final = 0.3
"""Between two looks at jobs that go on."""
IDLE_SECONDS: Final = 30.0
STORAGE_AWAY_SECONDS: Final = 3.0

_log = logging.getLogger(__name__)


class Supervisor:
    """Has at most `places` jobs run at once, oldest first.

    Args:
        jobs: The jobs.
        database: Where they are.
        state_dir: Folder of state, absolute; made.
        places: Runs at once.
        commands: The commands that jobs are.
        patience: How long, and how often, jobs' processes are waited for.
    """

    def __init__(
        self,
        jobs: JobStore,
        database: Engine,
        *,
        state_dir: Path,
        places: int = 1,
        commands: Commands = CLI,
        patience: Patience = PATIENT,
    ) -> None:
        self._jobs, self._database, self._places = jobs, database, places
        self._folder = StateFolder(state_dir)
        self._caretaker = Caretaker(jobs, self._folder, commands, patience)
        self._orders = Orders(jobs, self._folder)
        self._awake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._storage_is_away = False
        self._troubles: dict[str, str] = {}  # by job

    def start(self) -> None:
        """Take the folder of state, and begin to work in a thread; jobs are found again there.

        Raises:
            UsageError: Another server works on the folder of state, or the database is another's.
            OutputError: The folder cannot be written.
            StorageError: The database cannot be used.
        """
        self._folder.take(self._database)
        try:
            self._orders.finish_removals()
        except BaseException:
            self._folder.release()
            raise
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; jobs' processes go on. May be called twice."""
        self._ended.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._folder.release()

    def wake(self) -> None:
        """Look at once for what is to be done."""
        self._awake.set()

    def stop_job(self, job: str) -> JobRow:
        """Have a job end where it is; a stopped job may be resumed.

        Raises:
            UnknownNameError: There is no such job.
            JobStateError: It has ended otherwise, or this server did not start it.
            StorageError: The database cannot be used; nothing has changed.
        """
        return self._then_wake(self._orders.stop(job))

    def pause_job(self, job: str) -> JobRow:
        """Have a job give up its place, to go on later; raises as `stop_job` does."""
        return self._then_wake(self._orders.pause(job))

    def resume_job(self, job: str) -> JobRow:
        """Put a paused, stopped or failed job at the end of the queue.

        Raises:
            JobStateError: It is completed, or has not ended yet.
            UnknownNameError, StorageError: As for `stop_job`.
        """
        return self._then_wake(self._orders.resume(job))

    def remove_job(self, job: str) -> None:
        """Remove a job that has no process, and its run, for good.

        Raises:
            JobStateError: It has a process, or this server did not start it.
            RunInUseError: A process of another's works on its run; nothing was removed.
            OutputError: Something could not be removed; called again, the rest is.
            UnknownNameError, StorageError: As for `stop_job`.
        """
        self._orders.remove(job)
        self.wake()

    def _then_wake(self, row: JobRow) -> JobRow:
        self.wake()
        return row

    def _work(self) -> None:
        while not self._ended.is_set():
            self._awake.clear()
            self._awake.wait(self._round())

    def _round(self) -> float:
        """Look after every job once; return the seconds until the next round."""
        try:
            active = self._jobs.where(ACTIVE)
            for row in active:
                self._guarded(self._caretaker.look_after, row)
            waiting = self._jobs.where({JobState.QUEUED})
            free = max(0, self._places - len(self._jobs.where(ACTIVE)))
            for row in waiting[:free]:
                self._guarded(self._caretaker.begin, row)
        except StorageError as error:
            if not self._storage_is_away:
                _log.error("jobs are left alone until the database is back: %s", error)
            self._storage_is_away = True
            return STORAGE_AWAY_SECONDS
        self._storage_is_away = False
        return BUSY_SECONDS if active or waiting else IDLE_SECONDS

    def _guarded(self, care: Callable[[JobRow], None], row: JobRow) -> None:
        """Whatever goes wrong with one job must not keep the others from being looked after."""
        try:
            care(row)
        except StorageError:
            raise
        except Exception as error:
            if self._troubles.get(row.id) != repr(error):  # else it was told the last time
                _log.exception("looking after job %s failed; it is tried again", row.id)
            self._troubles[row.id] = repr(error)
        else:
            self._troubles.pop(row.id, None)
