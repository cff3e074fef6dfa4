"""A run as a ZIP while it is sent: of a run that goes on, its state when the download began."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_runs import RunPaths, archive_entry, end_of_lines
from hpo_torch_server.served_files import FileEntry, NoFileError, OpenFile, open_file, walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK_BYTES: Final = 1 << 18
MOST_HELD: Final = 64
"""Files that one download keeps open; a run has a few that are removed as it goes on."""
_BEST: Final = "best_model/"
_LINES: Final = frozenset({".jsonl", ".journal", ".csv"})
_BOARD: Final = "events.out.tfevents"  # TensorBoard's: its readers leave out a torn record


@dataclass(frozen=True, slots=True)
class _Taken:
    """One file of the state that is sent.

    Attributes:
        held: The file itself, open, where its path may be removed before its turn comes.
    """

    entry: FileEntry
    held: OpenFile | None = None


class RunZip:
    """The files of a run at one moment; its lock is not needed.

    A run's files are written in an order from which every crash can be recovered: weights and
    result, then Optuna's journal, the best model, and the event at last. They are looked at the
    other way round, so that what is taken is what a crash would have left. Files that are only
    added to (events, journal, tables) are cut to the whole lines that they had. All others are
    replaced whole, and are taken as they are when their turn comes; weights, which may be gone by
    then, and the best model are kept open until it does.

    Args:
        run: The run's folder.
        name: Of the folder in the ZIP.
    """

    def __init__(self, run: Path, name: str) -> None:
        self._run, self._name = run, name
        self._open, self._held = ExitStack(), 0
        events = RunPaths(run).events
        had = events.stat().st_size if events.exists() else 0
        best = [self._take(entry) for entry in walk(run, _BEST)]
        others = [self._take(e) for e in walk(run) if not e.path.startswith(_BEST)]
        files = sorted([*best, *others], key=lambda taken: taken.entry.path)
        self._files = [
            _Taken(replace(each.entry, size=had)) if each.entry.path == events.name else each
            for each in files
        ]

    def close(self) -> None:
        """Close every file; may be called twice."""
        self._open.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield the ZIP piece by piece, its files in the order of `hpo-torch export`.

        Raises:
            OSError: A file cannot be read: the ZIP has no end then, and is none.
        """
        sink = _Sink()
        archive = zipfile.ZipFile(sink, "w")  # closed in the end only: half of it shall be no ZIP
        for taken in self._files:
            yield from self._add(archive, sink, taken)
        archive.close()
        yield sink.take()

    def _take(self, entry: FileEntry) -> _Taken:
        removable = entry.path.startswith(_BEST) or entry.path.endswith(".ckpt")
        if not removable or self._held >= MOST_HELD:
            return _Taken(entry)
        try:
            opened = open_file(self._run, entry.path)
        except NoFileError:
            return _Taken(entry)
        self._open.enter_context(opened.stream)
        self._held += 1
        return _Taken(opened.entry, opened)

    def _add(self, archive: zipfile.ZipFile, sink: _Sink, taken: _Taken) -> Iterator[bytes]:
        path = taken.entry.path
        try:
            opened = taken.held or open_file(self._run, path)
        except NoFileError:  # removed meanwhile, as it may be
            return
        with opened.stream as source:
            left = _size_then(taken.entry, opened)
            source.seek(0)
            about = archive_entry(f"{self._name}/{path}")
            about.file_size = left  # beyond 2 GiB the format has to know before
            with archive.open(about, "w") as packed:
                while left > 0 and (block := source.read(min(CHUNK_BYTES, left))):
                    left -= len(block)
                    packed.write(block)
                    if sink.size >= CHUNK_BYTES:
                        yield sink.take()


class _Sink(io.RawIOBase):
    """Takes what zipfile writes, and hands it on; as it cannot be sought in, nothing is rewritten.

    Attributes:
        size: Bytes that wait.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        piece = bytes(data)
        self._pieces.append(piece)
        self.size += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return all that waits."""
        pieces = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return pieces


def _size_then(then: FileEntry, opened: OpenFile) -> int:
    """Return how much of a file was there when it was looked at; all of a file that is another."""
    now = opened.entry
    name = PurePosixPath(then.path)
    in_lines = name.suffix in _LINES
    same = now.identity[:2] == then.identity[:2]
    if now.size <= then.size or not same or not (in_lines or name.name.startswith(_BOARD)):
        return now.size
    return end_of_lines(opened.stream, then.size) if in_lines else then.size
