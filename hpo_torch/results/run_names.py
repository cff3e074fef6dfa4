"""What a run may be called, and what it is called by default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hpo_torch.errors import InvalidValueError

if TYPE_CHECKING:
    from datetime import datetime

# What some file system forbids in a folder's name: separators, and Windows' reserved characters.
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


def default_run_name(now: datetime, dataset: str, mode: str, objective: str) -> str:
    """Return e.g. "2026-11-25T10-20-03_gtsrb_health"; without colons, which Windows forbids.

    In health mode the score mixes the objective with health; a simple run names its objective
    ("2026-11-25T10-20-03_gtsrb_simple-val_accuracy").
    """
    goal = mode if mode == "health" else f"{mode}-{objective}"
    return f"{now:%Y-%m-%dT%H-%M-%S}_{dataset}_{goal}"


def check_run_name(name: str) -> None:
    """Accept what is a folder's name on every system.

    Raises:
        InvalidValueError: It isn't: separators, colons, a leading or trailing dot or space ...
    """
    if not name or _FORBIDDEN.search(name) or name[0] in ". " or name[-1] in ". ":
        raise InvalidValueError(
            "run name",
            "a folder's name without / \\ : * ? \" < > | and without dots or spaces at its ends",
            name,
            "The folder of all runs is another setting: output.dir.",
        )
