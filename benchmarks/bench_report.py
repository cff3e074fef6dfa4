"""What benchmarks' results have in common: machine, versions, pairs, tables, the JSON file."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_INSTALLED = "not installed"
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Paired:
    """What two contenders measured in turns: the values of one index belong together.

    Attributes:
        ours: One value a pair, in any unit.
        theirs: Likewise, in the same unit, none of them 0.

    Raises:
        ValueError: There is no pair, or a value without its partner.
    """

    ours: list[float]
    theirs: list[float]

    def __post_init__(self) -> None:
        if not self.ours or len(self.ours) != len(self.theirs):
            raise ValueError(f"no pairs: {len(self.ours)} values and {len(self.theirs)}")

    @property
    def ratios(self) -> list[float]:
        """Ours by theirs, of each pair."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def median(self) -> float:
        """The median of the pairs' ratios, not the ratio of both medians."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a pair."""
        return min(self.ratios), max(self.ratios)


def machine() -> dict[str, Any]:
    """Say where it is measured; call it before measuring, as the load is that of others only then.

    Returns:
        processor: Its model, as the system names it.
        cores: Those that this process may use.
        load_before: Processes that wanted a core, means of 1, 5 and 15 minutes.
        python: Its version.
    """
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def versions(*packages: str) -> dict[str, str]:
    """Return the version of each distribution, or that it is not installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = NOT_INSTALLED
    return found


def middle_and_range(values: Sequence[float], digits: int = 2) -> str:
    """Return a cell's text: "median (smallest - largest)"; "-" where nothing was measured."""
    if not values:
        return "-"
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} - {high:.{digits}f})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: names in the first column, figures, to the right, in the others.

    Raises:
        ValueError: A row has more or fewer cells than the header.
    """
    if ragged := [row for row in rows if len(row) != len(header)]:
        raise ValueError(f"expected {len(header)} cells a row, got {list(ragged[0])}")
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(_line(cells) for cells in (header, rule, *rows))


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def write_json(path: Path | None, result: Mapping[str, Any]) -> None:
    """Write the result as one JSON object, or nothing where no file is asked for.

    What JSON does not know (a path) is written as its text: no result is lost for it.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2, default=str) + "\n", encoding="utf-8")
