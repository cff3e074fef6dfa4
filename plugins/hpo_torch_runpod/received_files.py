"""Files that a worker made, brought home: put together, checked, and written whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import replacing
from hpo_torch_runpod.wire import ArtefactPart, StoredArtefact, WireError, join_parts

if TYPE_CHECKING:
    from collections.abc import Callable


class ReceivedFiles:
    """The files of a job's attempts, as far as they have arrived.

    Args:
        fetch: Brings a file from where the worker has stored it to a path, verified and whole;
            raises HpoTorchError where that cannot be done.
    """

    def __init__(self, fetch: Callable[[StoredArtefact, Path], None]) -> None:
        self._fetch = fetch
        # By attempt, name and content: a job that was run again sends other parts.
        self._parts: dict[tuple[str, str, str], list[ArtefactPart]] = {}
        self._stored: dict[tuple[str, str], StoredArtefact] = {}

    def take(self, line: ArtefactPart | StoredArtefact) -> None:
        """Take in a part, or the word on where a file is."""
        if isinstance(line, ArtefactPart):
            self._parts.setdefault((line.attempt, line.name, line.sha256), []).append(line)
        else:
            self._stored[line.attempt, line.name] = line

    def write(self, attempt: str, folder: str | None) -> None:
        """Write an attempt's files into `folder`, each complete or not at all; None: nowhere.

        Raises:
            WireError: A part is missing, or the content is not what was sent.
            HpoTorchError: A stored file cannot be fetched, or the folder cannot be written.
        """
        if folder is None:
            return
        for name, content in self._joined(attempt).items():
            with replacing(Path(folder) / name) as file:
                file.write(content)
        for (whose, name), stored in self._stored.items():
            if whose == attempt:
                self._fetch(stored, Path(folder) / name)

    def forget(self, attempt: str) -> None:
        """Free the memory of an attempt's files."""
        self._parts = {key: parts for key, parts in self._parts.items() if key[0] != attempt}
        self._stored = {key: line for key, line in self._stored.items() if key[0] != attempt}

    def _joined(self, attempt: str) -> dict[str, bytes]:
        """Return the contents by name; of several under one name the last that is complete."""
        contents: dict[str, bytes] = {}
        problems: dict[str, WireError] = {}
        for (whose, name, _), parts in self._parts.items():
            if whose != attempt:
                continue
            try:
                contents[name] = join_parts(parts)
            except WireError as error:
                problems[name] = error
        for name, problem in problems.items():
            if name not in contents:
                raise problem
        return contents
