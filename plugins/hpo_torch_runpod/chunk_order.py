"""A job's chunks in the order in which its worker made them, each once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hpo_torch_runpod.wire import WireError, decode_chunk

if TYPE_CHECKING:
    from hpo_torch_runpod.wire import Line


class ChunkOrder:
    """Takes chunks as they come, late and repeated ones among them, and returns lines in order.

    A chunk behind a gap waits until the gap is filled (by the aggregate at the job's end) or
    skipped. A damaged chunk counts as missing. When a worker is lost, RunPod may run the same job
    again, whose chunks then begin anew: a number that comes again with another content tells.

    Attributes:
        restarts: How often the job began anew.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self._next = 0
        self._numbers: set[int] = set()  # of the present run of the job
        self._known: set[bytes] = set()  # contents, of all its runs
        self._early: dict[int, list[Line]] = {}

    @property
    def has_gap(self) -> bool:
        """Whether chunks wait behind one that is missing."""
        return bool(self._early)

    @property
    def behind_gap(self) -> list[Line]:
        """Return the lines of the first chunk that waits; [] where none does."""
        return self._early[min(self._early)] if self._early else []

    def take(self, chunk: object) -> list[Line]:
        """Return the lines that are next: this chunk's, and of those that waited for it."""
        try:
            number, lines = decode_chunk(chunk)
        except WireError:
            return []
        content = hashlib.sha256(str(chunk).encode()).digest()
        if content in self._known:
            return []
        if number in self._numbers:
            self.restarts += 1
            self._next = 0
            self._numbers.clear()
            self._early.clear()
        self._known.add(content)
        self._numbers.add(number)
        self._early[number] = lines
        return self._ready()

    def skip_gap(self) -> list[Line]:
        """Give up what is missing, and return the lines that waited for it."""
        if self._early:
            self._next = min(self._early)
        return self._ready()

    def _ready(self) -> list[Line]:
        ready: list[Line] = []
        while self._next in self._early:
            ready += self._early.pop(self._next)
            self._next += 1
        return ready
