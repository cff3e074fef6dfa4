"""`hpo-torch remote URL optimize --sync`: a job is watched, and its files are fetched meanwhile."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final, Self

import typer

from hpo_torch.plugin_api import HpoTorchError
from hpo_torch.plugin_cli import INTERRUPTED, open_run, open_view, print_outcome
from hpo_torch_server.client.connecting import connected
from hpo_torch_server.client.connection import Connection
from hpo_torch_server.client.following import PATIENCE_SECONDS, fetch_job
from hpo_torch_server.client.watching import check_end, say_how_to_go_on, show_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from hpo_torch_server.client.target import Target

_TICK_SECONDS: Final = 0.2
_CLOSING_SECONDS: Final = 5.0


def sync(target: Target, job: str, root: Path, *, as_json: bool, quiet: bool) -> None:
    """Watch a job and fetch its files until it has ended; then print what came of it.

    Args:
        target: The server.
        job: The job's id.
        root: Folder of all runs, here.
        as_json: Print every event as a JSON line on stdout, and nothing else there.
        quiet: Print the run's folder only.

    Raises:
        HpoTorchError: The job failed, its files cannot be fetched, or the server is lost.
        typer.Exit: 130: Ctrl-C, which leaves the job alone; or somebody stopped the job.
    """
    with connected(target) as connection:
        try:
            with (
                open_view(as_json=as_json, quiet=quiet) as view,
                _Fetching(target, job, root, view.warn) as fetching,
            ):
                status = show_job(connection, job, view)
                view.note("fetching the last files")
                fetching.finish()
        except KeyboardInterrupt:
            say_how_to_go_on(target, job, "interrupted here")
            raise typer.Exit(INTERRUPTED) from None
        if quiet:
            sys.stdout.write(f"{root / job}\n")
        elif not as_json:
            print_outcome(open_run(root / job))
        check_end(connection, job)
    if status == "stopped":
        raise typer.Exit(INTERRUPTED)


class _Fetching:
    """Follows a job's files in a thread, within a block.

    What goes wrong is said at once, and raised in the end.
    """

    def __init__(self, target: Target, job: str, root: Path, warn: Callable[[str], None]) -> None:
        self._target, self._job, self._root, self._warn = target, job, root, warn
        self._error: BaseException | None = None
        self._closing, self._given_up = threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._given_up = True
        self._closing.set()
        self._thread.join(_CLOSING_SECONDS)

    def finish(self) -> None:
        """Wait for the last file; Ctrl-C ends the waiting.

        Raises:
            HpoTorchError: Something could not be fetched.
        """
        while self._thread.is_alive():
            self._thread.join(_TICK_SECONDS)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with Connection(
                self._target, closing=self._closing, patience=PATIENCE_SECONDS
            ) as connection:
                fetch_job(connection, self._job, self._root, follow=True)
        except HpoTorchError as error:
            self._error = error
            if not self._given_up:  # else it is what giving up looks like
                self._warn(f"results are not fetched any more: {error}")
        except BaseException as error:  # raised again by who waits for it
            self._error = error
