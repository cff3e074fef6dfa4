"""All ended trials of a run as one compressed JSON document, for who wants them at once."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_runs import PARAMETER_PREFIX
from hpo_torch_server.trial_table import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch_server.trial_table import TrialTable

DIGITS: Final = 4
"""Significant digits of a fraction: pictures need no more, and it makes up most of the document."""
FINE_DIGITS: Final = 6
FINE: Final = frozenset({"score", "val_accuracy", "last_val_accuracy", "skill"})
"""Columns in which less would make equals of trials that are not."""
LEFT_OUT: Final = frozenset({"started"})
"""Long, and told by the events."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 5


@dataclass(frozen=True, slots=True)
class Columns:
    """The document in one state.

    Attributes:
        compressed: As gzip.
        digest: Of the document; differs whenever that does.
    """

    compressed: bytes
    digest: str

    @classmethod
    def of(cls, document: bytes) -> Columns:
        """Compress a document; that takes a while, in which other threads may go on."""
        # Digits repeat nowhere: filtered, columns of numbers are a twentieth smaller.
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, strategy=zlib.Z_FILTERED)
        compressed = packer.compress(document) + packer.flush()
        return cls(compressed, hashlib.blake2b(document, digest_size=16).hexdigest())

    @property
    def plain(self) -> bytes:
        """The document without compression."""
        return zlib.decompress(self.compressed, _GZIP)


class ColumnTexts:
    """Keeps the text of every column, so that a trial more costs one cell of each.

    Args:
        table: The trials.
    """

    def __init__(self, table: TrialTable) -> None:
        self._table = table
        self._texts: dict[str, bytearray] = {}
        self._rows = self._replaced = 0

    def document(self, seq: int) -> bytes:
        """Return the document, JSON: {"seq": ..., "count": ..., "columns": {name: [values]}}.

        Whole numbers are exact; of fractions, see `DIGITS`.

        Args:
            seq: Number of the event up to which the trials are complete.
        """
        self._catch_up()
        columns = b",".join(
            json.dumps(name).encode() + b":[" + self._texts[name][:-1] + b"]"
            for name in in_order(self._texts)
        )
        head = f'{{"seq":{seq},"count":{self._rows},"columns":{{'.encode()
        return head + columns + b"}}"

    def _catch_up(self) -> None:
        if self._replaced != self._table.replaced:
            self._texts.clear()
            self._rows, self._replaced = 0, self._table.replaced
        for name, values in self._table.columns.items():
            if name not in LEFT_OUT:
                text = self._texts.setdefault(name, bytearray(b"null," * self._rows))
                number = f"%.{FINE_DIGITS if name in FINE else DIGITS}g,"
                cells = [_cell(value, number) for value in values[self._rows :]]
                text += "".join(cells).encode()
        self._rows = len(self._table)


def in_order(names: Iterable[str]) -> list[str]:
    """Sort columns: those of every run, then health metrics, then hyperparameters."""
    places = {name: place for place, name in enumerate(FIGURES)}
    return sorted(names, key=lambda n: (places.get(n, len(places)), n.startswith(PARAMETER_PREFIX)))


def _cell(value: Any, number: str) -> str:
    """Return a value as JSON, with a comma behind it; `number` is the form of a fraction."""
    kind = type(value)
    if kind is float:  # finite: `TrialTable` sees to it
        text: str = number % value
        return text
    return f"{value}," if kind is int else _word(value)


@lru_cache(maxsize=1000)
def _word(value: Any) -> str:
    return json.dumps(value) + ","
