"""A job's chunks in the order in which its worker made them, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hpo_torch_runpod.wire import WireError, decode_chunk

if TYPE_CHECKING:
    from hpo_torch_runpod.wire import Line


class Heard(NamedTuple):
    """Lines in order, and the id of the handler's run that said them; without lines, of none."""

    run: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(slots=True)
class _Run:
    """One run of the handler.

    Attributes:
        following: Number of the chunk that is next.
        early: Lines of chunks behind it, by number.
    """

    following: int = 0
    early: dict[int, list[Line]] = field(default_factory=dict)

    def take(self, number: int, lines: list[Line]) -> tuple[Line, ...]:
        """Return the lines that are next now; none where the chunk came before."""
        if number >= self.following:
            self.early.setdefault(number, lines)
        return self.ready()

    def ready(self) -> tuple[Line, ...]:
        ready: list[Line] = []
        while self.following in self.early:
            ready += self.early.pop(self.following)
            self.following += 1
        return tuple(ready)


class ChunkOrder:
    """Takes chunks as they come, late and repeated ones among them, and returns lines in order.

    When a worker is lost, or only seems to be, RunPod may run the same job again: each run of the
    handler has an id, and an order of its own. In each a chunk behind a gap waits until the gap is
    filled (by the aggregate at the job's end). Only the newest run's may be skipped: what an
    earlier one has left out is nothing to wait for. A damaged chunk counts as missing.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}  # in the order in which they were first heard of

    @property
    def restarts(self) -> int:
        """How often the job began anew."""
        return max(0, len(self._runs) - 1)

    @property
    def has_gap(self) -> bool:
        """Whether chunks of the newest run wait behind one that is missing."""
        return bool(self._newest[1].early)

    @property
    def behind_gap(self) -> Heard:
        """Return the lines of the first chunk that waits; none where none does."""
        name, run = self._newest
        return Heard(name, tuple(run.early[min(run.early)])) if run.early else Heard()

    def take(self, chunk: object) -> Heard:
        """Return the lines that are next: this chunk's, and of those that waited for it."""
        try:
            run, number, lines = decode_chunk(chunk)
        except WireError:
            return Heard()
        return Heard(run, self._runs.setdefault(run, _Run()).take(number, lines))

    def skip_gap(self) -> Heard:
        """Give up what is missing of the newest run, and return the lines that waited for it."""
        name, run = self._newest
        if run.early:
            run.following = min(run.early)
        return Heard(name, run.ready())

    @property
    def _newest(self) -> tuple[str, _Run]:
        return next(reversed(self._runs.items()), ("", _Run()))
