"""Pages of a run's trials: chosen, sorted, and stable while trials are added."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from hpo_torch.plugin_api import InvalidValueError
from hpo_torch_server.cursors import read_cursor, write_cursor
from hpo_torch_server.trial_table import nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpo_torch_server.trial_table import TrialTable

Sort = Literal["number", "score", "val_accuracy", "overall_health", "seconds"]
Order = Literal["asc", "desc"]
# Whether a value is missing (these come last, either way), the value in the direction asked for,
# and the trial's number, by which equals are sorted.
Key = tuple[bool, float, int]

KEPT_LISTS: Final = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which trials, in which order.

    Attributes:
        states: Theirs; all where there is none.
        min_score: Theirs at least; None: also trials without a score.
    """

    states: frozenset[str] = frozenset()
    min_score: float | None = None
    sort: Sort = "number"
    order: Order = "asc"

    def takes(self, state: str, score: float | None) -> bool:
        """Whether a trial is among them."""
        if self.states and state not in self.states:
            return False
        return self.min_score is None or (score is not None and score >= self.min_score)

    def key(self, value: float | None, number: int) -> Key:
        """Return what a trial is sorted by."""
        if value is None:
            return True, 0.0, number
        return False, value if self.order == "asc" else -value, number


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a run's trials.

    Attributes:
        rows: As `nested` returns them.
        next: The cursor of the page after; None after the last one.
        total: Trials of all pages.
    """

    rows: list[dict[str, Any]]
    next: str | None
    total: int


class TrialPages:
    """Cuts pages out of the trials that have ended, and those that have not.

    A page goes on behind the last trial of the one before, not behind a count: trials that are
    added in between shift nothing.

    Args:
        table: The trials that have ended.
    """

    def __init__(self, table: TrialTable) -> None:
        self._table = table
        self._version = table.version
        # Sorted, each with its place in the table; the last lists that were asked for.
        self._lists: dict[Wanted, list[tuple[Key, int]]] = {}

    def page(
        self,
        wanted: Wanted,
        open_rows: Sequence[dict[str, Any]],
        limit: int,
        cursor: str | None = None,
    ) -> Page:
        """Return one page.

        Args:
            wanted: Which trials, in which order.
            open_rows: Those that have not ended.
            limit: At most so many.
            cursor: `next` of the page before; None for the first.

        Raises:
            InvalidValueError: The cursor is none of ours, or of another order.
        """
        listed = self._ended(wanted)
        # Behind the table's places.
        opened = list(_entries(wanted, open_rows, first=len(self._table)))
        if opened:
            listed = sorted([*listed, *opened])
        start = 0
        if cursor is not None:
            start = bisect_right(listed, _read(cursor, wanted), key=lambda entry: entry[0])
        chosen = listed[start : start + limit]
        ended = len(self._table)
        rows = [
            self._table.shown(place) if place < ended else nested(open_rows[place - ended])
            for _, place in chosen
        ]
        more = start + limit < len(listed)
        return Page(rows, _write(chosen[-1][0], wanted) if more else None, len(listed))

    def _ended(self, wanted: Wanted) -> list[tuple[Key, int]]:
        if self._version != self._table.version:
            self._lists.clear()
            self._version = self._table.version
        known = self._lists.pop(wanted, None)
        if known is None:
            known = self._sort(wanted)
        self._lists[wanted] = known  # last: it was asked for last
        while len(self._lists) > KEPT_LISTS:
            del self._lists[next(iter(self._lists))]
        return known

    def _sort(self, wanted: Wanted) -> list[tuple[Key, int]]:
        columns = self._table.columns
        chosen = zip(
            *(columns[name] for name in ("number", "state", "score", wanted.sort)), strict=True
        )
        return sorted(
            (wanted.key(value, number), place)
            for place, (number, state, score, value) in enumerate(chosen)
            if wanted.takes(state, score)
        )


def _entries(
    wanted: Wanted, rows: Sequence[dict[str, Any]], first: int
) -> Iterator[tuple[Key, int]]:
    for place, row in enumerate(rows, first):
        if wanted.takes(row["state"], row["score"]):
            yield wanted.key(row.get(wanted.sort), row["number"]), place


def _write(key: Key, wanted: Wanted) -> str:
    missing, value, number = key
    return write_cursor(wanted.sort, wanted.order, None if missing else value, number)


def _read(cursor: str, wanted: Wanted) -> Key:
    number = int, float
    sort, order, value, trial = read_cursor(cursor, str, str, (*number, type(None)), int)
    if (sort, order) != (wanted.sort, wanted.order):
        expected = f"one of a page that is sorted by {wanted.sort}, {wanted.order}"
        raise InvalidValueError("cursor", expected, f"one of {sort[:20]}, {order[:20]}")
    return value is None, value or 0.0, trial
