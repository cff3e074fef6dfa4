"""What owners ask of their jobs: written down here, done by who looks after the jobs."""

from __future__ import annotations

import logging
import shutil
import threading
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import HpoTorchError, UnknownNameError, output_error
from hpo_torch.plugin_runs import CONFIG_FILE, RunInUseError, remove_run, working_process
from hpo_torch_server.states import RESTING, JobState, JobStateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch_server.job_row import JobRow
    from hpo_torch_server.job_store import JobStore
    from hpo_torch_server.state_folder import StateFolder

_STOP: Final = {
    JobState.QUEUED: JobState.STOPPED,
    JobState.STARTING: JobState.STOPPING,
    JobState.RUNNING: JobState.STOPPING,
    JobState.PAUSING: JobState.STOPPING,
    JobState.PAUSED: JobState.STOPPED,
    JobState.STOPPING: JobState.STOPPING,
    JobState.STOPPED: JobState.STOPPED,
}
_PAUSE: Final = {
    JobState.QUEUED: JobState.PAUSED,
    JobState.STARTING: JobState.PAUSING,
    JobState.RUNNING: JobState.PAUSING,
    JobState.PAUSING: JobState.PAUSING,
    JobState.PAUSED: JobState.PAUSED,
}
_RESUME: Final = {
    JobState.PAUSED: JobState.QUEUED,
    JobState.STOPPED: JobState.QUEUED,
    JobState.FAILED: JobState.QUEUED,
    JobState.QUEUED: JobState.QUEUED,
    JobState.STARTING: JobState.STARTING,
    JobState.RUNNING: JobState.RUNNING,
}
_NEW_START: Final[Mapping[str, Any]] = {
    "wanted": "run",
    "pid": None,
    "pid_created": None,
    "deaths": 0,
    "signals": 0,
    "signalled": None,
}

_log = logging.getLogger(__name__)


class Orders:
    """Takes orders, from any thread.

    Args:
        jobs: The jobs.
        folder: The server's folder of state.
    """

    def __init__(self, jobs: JobStore, folder: StateFolder) -> None:
        self._jobs, self._folder = jobs, folder
        self._one_at_a_time = threading.Lock()

    def stop(self, job: str) -> JobRow:
        """Write that a job is to end; raises as `Supervisor.stop_job` does."""
        return self._order(job, _STOP, "stopped", {"wanted": "stop"})

    def pause(self, job: str) -> JobRow:
        """Write that a job is to pause; raises as `Supervisor.pause_job` does."""
        return self._order(job, _PAUSE, "paused", {"wanted": "pause"})

    def resume(self, job: str) -> JobRow:
        """Put a job into the queue; raises as `Supervisor.resume_job` does."""
        return self._order(job, _RESUME, "resumed", _NEW_START)

    def remove(self, job: str) -> None:
        """Remove a job and its run; raises as `Supervisor.remove_job` does."""
        with self._one_at_a_time:
            row = self._ours(job, "removed")
            if row.state == JobState.QUEUED:
                row = self._jobs.move(job, {JobState.QUEUED}, JobState.STOPPED) or row
            # From here on it is removed, also by a server that is started after this one died.
            if not self._jobs.note(job, RESTING, wanted="remove"):
                raise _refusal(self._ours(job, "removed"), "removed", RESTING)
        self._remove(row)

    def finish_removals(self) -> None:
        """Remove the jobs that an earlier server was removing."""
        for row in self._jobs.where(RESTING):
            if row.wanted == "remove":
                try:
                    self._remove(row)
                except HpoTorchError as error:
                    _log.warning("job %s could not be removed: %s", row.id, error)

    def _order(
        self,
        job: str,
        steps: Mapping[JobState, JobState],
        participle: str,
        fields: Mapping[str, Any],
    ) -> JobRow:
        with self._one_at_a_time:
            while True:
                row = self._ours(job, participle)
                if row.state not in steps or row.wanted == "remove":
                    raise _refusal(row, participle, steps)
                if steps[row.state] == row.state:
                    return row
                # Its process may have taken it further since: then it is looked at again.
                moved = self._jobs.move(job, {row.state}, steps[row.state], **fields)
                if moved is not None:
                    return moved

    def _ours(self, job: str, participle: str) -> JobRow:
        row = self._jobs.get(job)
        if row is None:
            raise UnknownNameError("job", job, ())
        if row.ours:
            return row
        holder = working_process(row.run)
        who = (
            ""
            if holder is None
            else f" Process {holder.process} on {holder.host} works on it: `{holder.command}`."
        )
        raise JobStateError(
            f"run '{job}' was not started by this server, and cannot be {participle} by it.{who}",
            job,
            row.state,
        )

    def _remove(self, row: JobRow) -> None:
        # A job that was never started has no run: a folder of its name is somebody else's.
        if row.starts:
            if (row.run / CONFIG_FILE).exists():
                self._remove_run(row)
            elif row.run.exists():
                try:
                    shutil.rmtree(row.run)
                except OSError as error:
                    raise output_error("remove", row.run, error) from error
        self._folder.remove(row.id)
        self._jobs.delete(row.id)

    def _remove_run(self, row: JobRow) -> None:
        try:
            remove_run(row.run)
        except RunInUseError:
            self._jobs.note(row.id, RESTING, wanted="stop")
            raise


def _refusal(row: JobRow, participle: str, states: Any) -> JobStateError:
    if row.wanted == "remove":
        return JobStateError(f"job '{row.id}' is being removed", row.id, row.state)
    possible = ", ".join(sorted(states))
    return JobStateError(
        f"job '{row.id}' is {row.state}, and cannot be {participle}; that can be done with jobs "
        f"that are {possible}",
        row.id,
        row.state,
    )
