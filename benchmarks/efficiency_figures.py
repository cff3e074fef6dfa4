"""What the searches of search_efficiency.py have found when, in figures: no training, no packages.

A search that fails says nothing of what comes after, so there its times are cut off.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from time_to_target import Bounds, Course, least, median, targets_between, with_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

OURS = "hpo-torch"
TARGETS = 4  # by default, evenly above what the default configuration reaches
FIRST_TRIAL = "0"  # of hpo-torch: the default configuration


@dataclass(frozen=True, slots=True)
class Epoch:
    """The end of an epoch.

    Attributes:
        seconds: Since the search's process started.
        trial: Number or name.
        epoch: From 1.
        val_accuracy: Of the whole validation part, 0..1.
    """

    seconds: float
    trial: str
    epoch: int
    val_accuracy: float


@dataclass(frozen=True, slots=True)
class Search:
    """One search of one contender.

    Attributes:
        contender: Its name.
        seed: Of this search.
        epochs: All that ended within the budget, in order of time.
        seconds: For which it went on; the budget, unless it failed.
        failure: Why it ended early; empty where it did not.
    """

    contender: str
    seed: int
    epochs: tuple[Epoch, ...]
    seconds: float
    failure: str = ""

    @property
    def course(self) -> Course:
        """When its best accuracy rose."""
        return Course.of((epoch.seconds, epoch.val_accuracy) for epoch in self.epochs)

    @property
    def trials(self) -> int:
        """How many trials have ended an epoch."""
        return len({epoch.trial for epoch in self.epochs})

    def time_to(self, target: float) -> Bounds:
        """Return the seconds to a validation accuracy."""
        return self.course.time_to(target, self.seconds)

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Search:
        """Return the search that `as_json` described."""
        return cls(**{**kept, "epochs": tuple(Epoch(**each) for each in kept["epochs"])})


Found = dict[str, list[Search]]
"""By contender, a search for each seed, in the same order."""


def read_log(path: Path, budget: float) -> tuple[Epoch, ...]:
    """Read a contender's log: epochs that ended within the budget, in order of time.

    Args:
        path: A line of JSON each epoch; a last line without its end is none. It need not exist.
        budget: Seconds.
    """
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    epochs = [Epoch(**json.loads(line)) for line in lines]
    return within(epochs, budget)


def within(epochs: Sequence[Epoch], budget: float) -> tuple[Epoch, ...]:
    """Return those that ended within the budget, seconds, in order of time."""
    kept = [epoch for epoch in epochs if epoch.seconds <= budget]
    return tuple(sorted(kept, key=lambda epoch: epoch.seconds))


def turns(contenders: Sequence[str], seed: int) -> list[str]:
    """Return the order of a seed: each contender is first, second ... equally often."""
    first = seed % len(contenders)
    return [*contenders[first:], *contenders[:first]]


def reached_by_default(found: Found) -> float | None:
    """Return the median of what hpo-torch's default configuration reached; None without it."""
    bests = [
        max(default)
        for search in found.get(OURS, [])
        if (default := [e.val_accuracy for e in search.epochs if e.trial == FIRST_TRIAL])
    ]
    return statistics.median(bests) if bests else None


def default_targets(found: Found) -> list[float]:
    """Return what the default reached, and accuracies evenly above, up to the best of any search.

    Without hpo-torch's default, the worst of the searches' best accuracies stands for it.
    """
    bests = [search.course.best for searches in found.values() for search in searches]
    low, high = reached_by_default(found), max(bests, default=0.0)
    if low is None:
        low = min(bests, default=0.0)
    return [target for target in (low, *targets_between(low, high, TARGETS)) if target > 0]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a contender to one target.

    Attributes:
        seconds: Of each seed.
        ratios: By how much hpo-torch was sooner (above 1), of each seed; none of itself, or
            where it has not searched.
    """

    seconds: list[Bounds]
    ratios: list[Bounds]

    def as_json(self) -> dict[str, Any]:
        """Return all values and their medians."""
        named = {"seconds": self.seconds, "times_sooner": self.ratios}
        by_seed = {name: [each.as_json() for each in values] for name, values in named.items()}
        medians = {
            f"{name}_median": median(values).as_json() for name, values in named.items() if values
        }
        return by_seed | medians


def times_to(found: Found, target: float) -> dict[str, Times]:
    """Return every contender's times to a target, paired with hpo-torch's by seed."""
    seconds = {name: [s.time_to(target) for s in searches] for name, searches in found.items()}
    ours = seconds.get(OURS)
    return {
        name: Times(
            theirs,
            [b / a for a, b in zip(ours, theirs, strict=True)] if ours and name != OURS else [],
        )
        for name, theirs in seconds.items()
    }


def lead(times: Mapping[str, Times]) -> Bounds | None:
    """Return hpo-torch's lead over the best of the others: the least of their medians.

    None where there is nobody to compare with.
    """
    medians = [median(each.ratios) for each in times.values() if each.ratios]
    return least(medians) if medians else None


TARGET_HEADER = ("contender", "target", "seconds: median (each seed)", "times hpo-torch is sooner")


def target_rows(found: Found, targets: Sequence[float]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each target and contender."""
    for target in targets:
        for name, times in times_to(found, target).items():
            yield (
                name,
                f"{target:.4f}",
                with_each(times.seconds, 0),
                with_each(times.ratios, 2),
            )


END_HEADER = ("contender", "best accuracy", "first epoch, s", "trials", "epochs")


def end_rows(found: Found) -> Iterator[tuple[str, ...]]:
    """Yield a row for each contender: what it had at the budget's end, medians and each seed."""
    for name, searches in found.items():
        firsts = [
            Bounds.exactly(search.epochs[0].seconds)
            if search.epochs
            else Bounds.above(search.seconds)
            for search in searches
        ]
        yield (
            name,
            _cell([search.course.best for search in searches], 4),
            with_each(firsts, 1),
            _cell([search.trials for search in searches], 0),
            _cell([len(search.epochs) for search in searches], 0),
        )


def lead_lines(found: Found, targets: Sequence[float]) -> Iterator[str]:
    """Yield a sentence for each target that tells hpo-torch's lead over the best of the others."""
    for target in targets:
        ahead = lead(times_to(found, target))
        if ahead is not None:
            yield f"To {target:.4f}, hpo-torch is {ahead.text(2)} times as soon as the best other."


def failures(found: Found) -> list[str]:
    """Return a sentence for each search that failed, or ended no epoch."""
    return [
        f"{name}, seed {search.seed}: {search.failure or 'no epoch ended within the budget'}"
        for name, searches in found.items()
        for search in searches
        if search.failure or not search.epochs
    ]


def figures(found: Found, targets: Sequence[float]) -> dict[str, Any]:
    """Return everything as JSON: by target, at the end, and every epoch of every search."""
    by_target = []
    for target in targets:
        times = times_to(found, target)
        ahead = lead(times)
        by_target.append(
            {
                "target": target,
                "contenders": {name: each.as_json() for name, each in times.items()},
                "lead_over_best": None if ahead is None else ahead.as_json(),
            }
        )
    return {
        "reached_by_default": reached_by_default(found),
        "targets": by_target,
        "best": {name: [s.course.best for s in group] for name, group in found.items()},
        "trials": {name: [s.trials for s in group] for name, group in found.items()},
        "searches": [s.as_json() for group in found.values() for s in group],
        "failures": failures(found),
    }


def _cell(values: Sequence[float], digits: int) -> str:
    return with_each([Bounds.exactly(value) for value in values], digits)
