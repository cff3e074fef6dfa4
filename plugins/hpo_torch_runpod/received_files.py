"""Files that a worker made, brought home: put together, checked, and written whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import replacing
from hpo_torch_runpod.wire import ArtefactPart, StoredArtefact, join_parts

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
        # By attempt, run and name: a job whose handler ran again sends other files.
        self._parts: dict[tuple[str, str, str], list[ArtefactPart]] = {}
        self._stored: dict[tuple[str, str, str], StoredArtefact] = {}

    def take(self, line: ArtefactPart | StoredArtefact, run: str) -> None:
        """Take in a part, or the word on where a file is, and which run of the handler said it."""
        if isinstance(line, ArtefactPart):
            self._parts.setdefault((line.attempt, run, line.name), []).append(line)
        else:
            self._stored[line.attempt, run, line.name] = line

    def write(self, attempt: str, run: str, folder: str | None) -> None:
        """Write an attempt's files into `folder`, each complete or not at all; None: nowhere.

        Args:
            attempt: The attempt.
            run: The run of the handler that said the attempt's last word: what other runs trained
                is not what that word is about.
            folder: Where to.

        Raises:
            WireError: A part is missing, or the content is not what was sent.
            HpoTorchError: A stored file cannot be fetched, or the folder cannot be written.
        """
        if folder is None:
            return
        # All are put together before the first is written.
        contents = {
            name: join_parts(parts)
            for (*whose, name), parts in self._parts.items()
            if whose == [attempt, run]
        }
        for name, content in contents.items():
            with replacing(Path(folder) / name) as file:
                file.write(content)
        for (*whose, name), stored in self._stored.items():
            if whose == [attempt, run]:
                self._fetch(stored, Path(folder) / name)

    def forget(self, attempt: str) -> None:
        """Free the memory of an attempt's files."""
        self._parts = {key: parts for key, parts in self._parts.items() if key[0] != attempt}
        self._stored = {key: line for key, line in self._stored.items() if key[0] != attempt}
