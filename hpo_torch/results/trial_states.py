"""How each trial of a run ended, read from the begins of result.json: its details are left unread.

A run of ten thousand trials has a hundred megabytes of results, of which some questions need one
word each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.records import TrialResult, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hpo_torch.protocol.events import TrialState

_ENOUGH: Final = 256  # bytes
_BEGIN: Final = re.compile(
    rb'\{\s*"trial":\s*\d+,\s*"attempt":\s*"[^"]*",\s*"state":\s*"(complete|pruned|failed)"'
)


def read_states(paths: Iterable[Path]) -> list[TrialState]:
    """Return each trial's state.

    Args:
        paths: The trials' result.json.

    Raises:
        OutputError: A file cannot be read, or begins like no result and is none.
    """
    return [_state(path) for path in paths]


def _state(path: Path) -> TrialState:
    try:
        with path.open("rb") as file:
            found = _BEGIN.match(file.read(_ENOUGH))
    except OSError as error:
        raise output_error("read", path, error) from error
    if found is None:  # written by another program, whose order is another
        return read_record(path, TrialResult).state
    return cast("TrialState", found[1].decode())
