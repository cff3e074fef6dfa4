"""What is in the runs' folders, for whoever asks; the last ones that were asked for stay read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import HpoTorchError
from hpo_torch.plugin_runs import check_run_name
from hpo_torch_server.outcome import state_of_run
from hpo_torch_server.run_index import RunIndex
from hpo_torch_server.served_files import Digests

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch_server.states import JobState

KEPT_RUNS: Final = 16
"""Runs that stay in memory; one of 10,000 trials takes about 20 MB."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A run in memory, and which folder it was read from; None: there was none yet."""

    index: RunIndex
    folder: tuple[int, int] | None


class RunReader:
    """Reads runs by name; threads may share it.

    Args:
        output_dir: Folder of the runs.
        kept: How many stay in memory.

    Attributes:
        digests: Of the runs' files.
    """

    def __init__(self, output_dir: Path, kept: int = KEPT_RUNS) -> None:
        self._root, self._most = output_dir, kept
        self.digests = Digests()
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, name: str) -> RunIndex:
        """Return a run as it is now; one that has no folder yet has no trials.

        The first time, its whole log is read; later only what has been added.

        Raises:
            InvalidValueError: No run can have that name.
            OutputError: A file of it is damaged.
        """
        index = self._index(name)
        try:
            index.refresh()
        except HpoTorchError:
            self.forget(name)  # the next one who asks reads it from the start
            raise
        return index

    def state_of(self, name: str) -> tuple[JobState, str | None]:
        """Return the state of a run as its folder tells, and why it failed if it did.

        Raises:
            InvalidValueError: No run can have that name.
        """
        check_run_name(name)
        return state_of_run(self._root / name)

    def forget(self, name: str) -> None:
        """Drop a run from memory, if it is there."""
        with self._lock:
            self._kept.pop(name, None)

    def _index(self, name: str) -> RunIndex:
        check_run_name(name)
        path = self._root / name
        folder = _identity(path)
        with self._lock:
            kept = self._kept.get(name)
            # Another folder of that name: the run was removed, and one of its name was made.
            if kept is None or kept.folder not in (None, folder):
                kept = _Kept(RunIndex(path), folder)
            elif kept.folder is None:
                kept = _Kept(kept.index, folder)
            self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return kept.index


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
