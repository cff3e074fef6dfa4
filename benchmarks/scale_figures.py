"""What a long study has cost as it grew, in figures: part of scale.py."""

from __future__ import annotations

import math
import os
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench_report import middle_and_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MARKS: Final = (500, 1_000, 2_000, 5_000, 10_000)
LAST: Final = 100
"""Trials before a mark whose median time is the mark's."""

LINEAR: Final = 1.05
"""Growth is linear up to here: a number's digits become more, and a clock is not exact."""

LONGEST_SECONDS: Final = 5.0
MB: Final = 1e6


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a run's folder holds, in bytes.

    Attributes:
        events: events.jsonl.
        journal: study.journal.
        table: trials.csv.
        rest: All other files.
        files: How many those are.
    """

    events: int
    journal: int
    table: int
    rest: int
    files: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A study when so many trials had ended.

    Attributes:
        trials: How many.
        seconds: A trial, median of the last hundred: all that the study does from the end of one
            training to the begin of the next.
        memory: Resident memory of its process, bytes.
        sizes: Of the run's folder.
    """

    trials: int
    seconds: float
    memory: int
    sizes: Sizes


@dataclass(slots=True)
class Read:
    """What one way of reading a run took.

    Attributes:
        name: In words.
        limited: Whether it is to stay under five seconds.
        seconds: Of each round, as a clock on the wall has it.
        worked: Of each round, seconds of the processor: on a busy machine the better measure.
        memory: The most that its process held, bytes.
        code: Exit code of the last round.
    """

    name: str
    limited: bool = True
    seconds: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    memory: int = 0
    code: int = 0


def marks_for(trials: int) -> list[int]:
    """Return where a study of so many trials is looked at: at the marks, and at its end.

    >>> marks_for(1500)
    [500, 1000, 1500]
    """
    return [*(mark for mark in MARKS if mark < trials), trials]


def median_of_last(seconds: Sequence[float]) -> float:
    """Return the median of the last hundred trials' seconds."""
    return statistics.median(seconds[-LAST:])


def sizes_of(folder: Path) -> Sizes:
    """Add up a run's folder, subfolders included."""
    named = {"events.jsonl": 0, "study.journal": 0, "trials.csv": 0}
    rest = files = 0
    folders = [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name in named:
                    named[entry.name] += entry.stat().st_size
                else:
                    rest += entry.stat(follow_symlinks=False).st_size
                    files += 1
    events, journal, table = named.values()
    return Sizes(events, journal, table, rest, files)


def growth(first: tuple[float, float], last: tuple[float, float]) -> float:
    """Return the power of the number of trials by which a figure grew.

    Args:
        first: Trials, and the figure, above 0, when there were so many.
        last: Likewise, with more trials.

    Returns:
        1 of what grows in proportion, 2 of what grows with the square, 0 of what stays.

    >>> growth((100, 3.0), (1000, 30.0))
    1.0
    """
    return math.log(last[1] / first[1]) / math.log(last[0] / first[0])


def growths(marks: Sequence[Mark]) -> dict[str, float]:
    """Return the power of growth from the first to the last mark of each figure; {} of one mark.

    Seconds are those of one trial; bytes are those of the whole run.
    """
    first, last = marks[0], marks[-1]
    if first.trials == last.trials:
        return {}
    figures = {
        "seconds a trial": (first.seconds, last.seconds),
        "events.jsonl": (first.sizes.events, last.sizes.events),
        "study.journal": (first.sizes.journal, last.sizes.journal),
        "trials.csv": (first.sizes.table, last.sizes.table),
        "other files": (first.sizes.rest, last.sizes.rest),
        "memory": (first.memory, last.memory),
    }
    return {
        name: growth((first.trials, before), (last.trials, after))
        for name, (before, after) in figures.items()
    }


def mark_rows(marks: Sequence[Mark]) -> list[list[str]]:
    """Return a row a mark: trials, ms a trial, MB of memory and files, and how many these are."""
    return [
        [
            f"{mark.trials:,}",
            f"{mark.seconds * 1e3:.1f}",
            f"{mark.memory / MB:.0f}",
            f"{mark.sizes.events / MB:.1f}",
            f"{mark.sizes.journal / MB:.1f}",
            f"{mark.sizes.table / MB:.2f}",
            f"{mark.sizes.rest / MB:.1f}",
            f"{mark.sizes.files:,}",
        ]
        for mark in marks
    ]


def read_rows(reads: Sequence[Read]) -> list[list[str]]:
    """Return a row a way: seconds and CPU seconds (median, range), rounds, MB, remarks."""
    return [
        [
            read.name,
            middle_and_range(read.seconds),
            middle_and_range(read.worked),
            str(len(read.seconds)),
            f"{read.memory / MB:.0f}",
            _said(read),
        ]
        for read in reads
    ]


def _said(read: Read) -> str:
    if read.code:
        return f"exit code {read.code}"
    over = read.limited and bool(read.seconds) and too_long(read)
    return f"over {LONGEST_SECONDS:.0f} s" if over else ""


def too_long(read: Read) -> bool:
    """Whether it takes longer than it may, by its median."""
    return statistics.median(read.seconds) > LONGEST_SECONDS


def verdict(marks: Sequence[Mark], reads: Sequence[Read]) -> list[str]:
    """Return what missed its goal, in lines; none where all is met."""
    missed = [
        f"{name} grow with the number of trials to the power of {power:.2f}"
        for name, power in growths(marks).items()
        if power > LINEAR
    ]
    return missed + [
        f"{read.name}: {statistics.median(read.seconds):.1f} s"
        for read in reads
        if read.limited and read.seconds and too_long(read)
    ]
