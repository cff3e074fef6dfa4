"""What the server keeps besides its database: its lock, jobs' settings and their last words."""

from __future__ import annotations

import re
import shutil
import uuid
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout
from pydantic import ValidationError
from sqlalchemy import Engine, select, update

from hpo_torch.plugin_api import UsageError, output_error, replacing
from hpo_torch.plugin_runs import CONFIG_FILE, RunConfig, dump_config
from hpo_torch_server.database import shown, writing
from hpo_torch_server.tables import server_table

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch_server.job_row import JobRow

LOG_FILE: Final = "log.txt"
_LAST_WORDS: Final = 4000  # characters at most
_LAST_LINES: Final = 20
_TAIL: Final = 64_000  # bytes of a log that are looked at
_HEADING: Final = "---- start "
_ERROR: Final = re.compile(r"^error: ", re.MULTILINE)


class StateFolder:
    """A server's folder of state.

    Args:
        path: Of the folder, absolute; made when it is taken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / ".lock", timeout=0)

    def take(self, database: Engine) -> None:
        """Keep other servers from this folder, and this folder's database from other folders.

        Raises:
            UsageError: Another server works on the folder, or the database is another folder's.
            OutputError: The folder cannot be written.
            StorageError: The database cannot be used.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise UsageError(
                f"another server works on {self.path}. End it, or serve another folder of runs "
                "(--output-dir)."
            ) from None
        except OSError as error:
            raise output_error("write", self.path, error) from error
        try:
            self._claim(database)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let other servers have the folder; may be called twice."""
        self._lock.release()

    def config(self, job: str) -> Path:
        """Return where a job's settings are."""
        return self._job(job) / CONFIG_FILE

    def log(self, job: str) -> Path:
        """Return where a job's processes write what they say."""
        return self._job(job) / LOG_FILE

    def write_config(self, row: JobRow) -> None:
        """Write a job's settings.

        Raises:
            OutputError: The file cannot be written.
            UsageError: They are another version's.
        """
        try:
            content = dump_config(RunConfig.model_validate(row.config))
        except ValidationError as error:
            raise UsageError(
                f"job '{row.id}' was made by another version of hpo-torch, whose settings are no "
                f"more: {error.errors()[0]['msg']}. Ask for it anew."
            ) from error
        with replacing(self.config(row.id)) as file:
            file.write(content.encode())

    def last_words(self, job: str) -> str:
        """Return what the job's last process said before it ended: its error, or its last lines."""
        try:
            with self.log(job).open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - _TAIL))
                text = log.read().decode(errors="replace")
        except OSError:
            return ""
        _, found, last = text.rpartition(_HEADING)
        text = last.partition("\n")[2] if found else text
        errors = list(_ERROR.finditer(text))
        if errors:
            text = text[errors[-1].end() :]
        return "\n".join(text.strip().splitlines()[-_LAST_LINES:])[-_LAST_WORDS:]

    def remove(self, job: str) -> None:
        """Remove what is kept of a job; raises OutputError."""
        try:
            shutil.rmtree(self._job(job))
        except FileNotFoundError:
            return
        except OSError as error:
            raise output_error("remove", self._job(job), error) from error

    def _job(self, job: str) -> Path:
        return self.path / "jobs" / job

    def _claim(self, database: Engine) -> None:
        ours = self._id()
        with writing(database) as connection:
            theirs = connection.scalar(select(server_table.c.state_id))
            if theirs is None:
                connection.execute(update(server_table).values(state_id=ours))
        if theirs not in (None, ours):
            raise UsageError(
                f"the database {shown(database)} belongs to the server of another folder than "
                f"{self.path}. Give every server its own database; one that was moved takes its "
                "folder of state with it."
            )

    def _id(self) -> str:
        path = self.path / "server.id"
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            made = str(uuid.uuid4())
            with replacing(path) as file:
                file.write(f"{made}\n".encode())
            return made
        except OSError as error:
            raise output_error("read", path, error) from error


def heading(start: int, words: str) -> str:
    """Return the line of a log behind which a new process writes.

    Args:
        start: The job's how manieth, from 1.
        words: When, and which command.
    """
    return f"{_HEADING}{start}: {words}\n"
