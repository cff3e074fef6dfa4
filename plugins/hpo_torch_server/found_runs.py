"""Runs that this server did not start: those of the command line in its folder of runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import HpoTorchError, InvalidValueError
from hpo_torch.plugin_runs import CONFIG_FILE, RunPaths, RunView, check_run_name, run_names
from hpo_torch_server.job_row import JobRow
from hpo_torch_server.outcome import state_of_run
from hpo_torch_server.states import ENDED, JobState

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


_TIME: Final = re.compile(rb'"time":"([^"]*)"')


class FoundRuns:
    """The runs in a folder, as jobs that can be read and watched only.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # By name: the settings, and of what file; reading YAML takes longer than all the rest.
        self._configs: dict[str, tuple[int, dict[str, object]]] = {}
        self._states: dict[str, tuple[int, tuple[JobState, str | None]]] = {}
        self._times: dict[str, datetime] = {}

    def get(self, name: str) -> JobRow | None:
        """Return a run as a job; None where there is none of that name, or it cannot be read."""
        try:
            check_run_name(name)
        except InvalidValueError:
            return None
        return self._row(name)

    def all(self, others: Collection[str], states: Collection[JobState]) -> list[JobRow]:
        """Return every run whose name is none of `others`, in one of some states (() for all)."""
        rows = (self._row(name) for name in run_names(self._root) if name not in others)
        return [row for row in rows if row is not None and (not states or row.state in states)]

    def _row(self, name: str) -> JobRow | None:
        path = self._root / name
        try:
            config = self._config(name, path)
            state, error = self._state(name, path)
        except (HpoTorchError, OSError):
            return None
        return JobRow(
            id=name,
            owner="",
            state=state,
            created=(begun := self._begun(name, path)),
            started=begun,
            ended=_changed(path / CONFIG_FILE) if state in ENDED else None,
            config=config,
            run=path,
            process=None,
            starts=0,
            error=error,
            wanted="run",
            position=None,
            ours=False,
        )

    def _config(self, name: str, path: Path) -> dict[str, object]:
        changed = (path / CONFIG_FILE).stat().st_mtime_ns
        known = self._configs.get(name)
        if known is None or known[0] != changed:
            config = RunView.open(path).config.model_dump(mode="json")
            known = self._configs[name] = changed, config
        return known[1]

    def _state(self, name: str, path: Path) -> tuple[JobState, str | None]:
        # Whoever takes up a run that rests, or ends it, makes or removes a file in its folder.
        changed = path.stat().st_mtime_ns
        known = self._states.get(name)
        if known is None or known[0] != changed:
            known = changed, state_of_run(path)
            if known[1][0] != JobState.RUNNING:  # a process may die without a trace
                self._states[name] = known
        return known[1]

    def _begun(self, name: str, path: Path) -> datetime:
        """Return when a run said its first word; before that, when it was last written to."""
        known = self._times.get(name)
        if known is not None:
            return known
        try:
            with RunPaths(path).events.open("rb") as log:
                found = _TIME.search(log.readline())
        except FileNotFoundError:
            found = None
        if found is None:
            return _changed(path / CONFIG_FILE)
        begun = self._times[name] = datetime.fromisoformat(found[1].decode()).astimezone(UTC)
        return begun


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
