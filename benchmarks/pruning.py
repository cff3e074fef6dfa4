"""Does pruning find a good network sooner? Two searches of the same time budget, paired by seed.

    python benchmarks/pruning.py --data-dir DIR [--dataset mnist] [--budget 600] [--seeds 5]
        [--pruner median] [--trials 200] [--target 0.985 ...] [--out DIR] [--small] [--together]

For each seed a search with the pruner and one with `--pruner none` run, each for `--budget` seconds
of wall time and in its own process, by `hpo_torch.study.optimize`: one after the other, which comes
first in turns, or `--together`, each on its half of the cores, so that both have the same weather.
`--small` searches small networks only, of which a slow machine trains enough within the budget.
The time to a target is counted from the search's first event to the first epoch event at which the
best validation accuracy of all its trials so far reaches it.
Trial 0 is the same good default in both, so targets above what it reaches (`default` in the table)
are those that tell; by default they lie between that and the best of all searches. A target that a
search does not reach within its budget is late by an unknown time, marked ">"; the speed-up of that
seed is then a lower bound (">", the unpruned one is late) or an upper bound ("<", the pruned one
is), and so may be the median.

A second table has for each seed its own targets: what the unpruned search of that seed had reached
after its whole budget, which asks when the pruned one was there, and the other way round.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from time_to_target import Course, targets_between, with_each

from hpo_torch.config.schema import RunConfig
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished, StudyStarted, TrialFinished
from hpo_torch.results.event_log import read_events
from hpo_torch.study.audience import Audience
from hpo_torch.study.optimize import optimize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NONE = "none"
TARGETS = 4  # by default, evenly between the default configuration and the best
SMALL = {
    "cnn": {
        "conv_layers": {"low": 1, "high": 2},
        "filters": {"choices": [16, 32]},
        "filter_growth": {"choices": [1]},
        "kernel_size": {"choices": [3]},
        "hidden_layers": {"low": 1, "high": 2},
        "hidden_units": {"choices": [64, 128]},
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search's event log says.

    Attributes:
        course: When the best validation accuracy rose, in seconds since the start.
        default: Best validation accuracy of trial 0.
        trials: Number of ended trials by state.
        seconds: To its last event of a trial.
    """

    course: Course
    default: float
    trials: dict[str, int]
    seconds: float

    @property
    def best(self) -> float:
        """The best validation accuracy."""
        return self.course.best


def read_search(events: Path) -> Search:
    """Read a search's event log."""
    epochs: list[tuple[float, float]] = []
    start, default, seconds = None, 0.0, 0.0
    trials = {"complete": 0, "pruned": 0, "failed": 0}
    for event in read_events(events):
        moment = datetime.fromisoformat(event.time)
        if start is None and isinstance(event, StudyStarted):
            start = moment
        if start is None:
            continue
        if isinstance(event, EpochFinished):
            seconds, accuracy = (moment - start).total_seconds(), event.metrics.val_accuracy
            if event.trial == 0:
                default = max(default, accuracy)
            epochs.append((seconds, accuracy))
        elif isinstance(event, TrialFinished):
            trials[event.state] += 1
    return Search(course=Course.of(epochs), default=default, trials=trials, seconds=seconds)


def run_search(
    options: argparse.Namespace, pruner: str, seed: int, folder: str, cores: Sequence[int]
) -> Search:
    """Run one search on some of the cores, and return what its event log says."""
    os.sched_setaffinity(0, cores)  # its workers inherit it, and have as many threads
    name = f"{pruner}_{seed}"
    config = RunConfig.model_validate(
        {
            "data": {"dataset": options.dataset, "dir": options.data_dir, "download": False},
            "search": {
                "mode": "simple",
                "trials": options.trials,
                "timeout": options.budget,
                "seed": seed,
                "pruner": pruner,
                "max_epochs": options.max_epochs,
                "min_epochs": min(options.max_epochs, 5),
                "space": SMALL if options.small else {},
            },
            "execution": {"device": options.device, "jobs": options.jobs},
            "output": {"dir": folder, "name": name, "plots": NONE},
        }
    )
    run = optimize(config, installed_registry(), Audience())
    return read_search(run.events)


def run_all(options: argparse.Namespace, folder: str) -> dict[str, list[Search]]:
    """Run all searches, the two of a seed one after the other, in turns."""
    found: dict[str, list[Search]] = {options.pruner: [], NONE: []}
    for seed in range(options.seeds):
        order = (options.pruner, NONE) if seed % 2 == 0 else (NONE, options.pruner)
        for pruner, search in zip(order, run_pair(options, order, seed, folder), strict=True):
            found[pruner].append(search)
            print(
                f"seed {seed}, {pruner}: best {search.best:.4f} after {search.seconds:.0f} s, "
                f"default {search.default:.4f}, {search.trials}",
                flush=True,
            )
    return found


def run_pair(
    options: argparse.Namespace, pruners: Sequence[str], seed: int, folder: str
) -> list[Search]:
    """Run one search for each pruner, each in a process of its own with no warm caches."""
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    shares = [cores[:half], cores[half:]] if options.together else [cores, cores]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2 if options.together else 1, spawn, max_tasks_per_child=1) as pool:
        started = [
            pool.submit(run_search, options, pruner, seed, folder, share)
            for pruner, share in zip(pruners, shares, strict=True)
        ]
        return [search.result() for search in started]


def default_targets(found: dict[str, list[Search]]) -> list[float]:
    """Return targets evenly between what the default configuration and what any search reached."""
    searches = [search for group in found.values() for search in group]
    low = statistics.median(search.default for search in searches)
    high = max(search.best for search in searches)
    return targets_between(low, high, TARGETS)


def table(
    found: dict[str, list[Search]], pruner: str, targets: Sequence[float], budget: float
) -> Iterator[str]:
    """Yield a Markdown table: seconds to each target, medians and all values by seed."""
    yield f"| validation accuracy | {pruner}: seconds | {NONE}: seconds | {NONE} / {pruner} |"
    yield "| ---: | --- | --- | --- |"
    for target in targets:
        ours, theirs = (
            [search.course.time_to(target, budget) for search in found[name]]
            for name in (pruner, NONE)
        )
        sooner = [b / a for a, b in zip(ours, theirs, strict=True)]
        yield (
            f"| {target:.4f} | {with_each(ours, 0)} | {with_each(theirs, 0)} "
            f"| {with_each(sooner, 2)} |"
        )


def own_targets(found: dict[str, list[Search]], pruner: str, budget: float) -> Iterator[str]:
    """Yield a Markdown table: when each search was where the other one of its seed ended."""
    yield f"| seed | target: best of | accuracy | {pruner}: seconds | {NONE}: seconds | ratio |"
    yield "| ---: | --- | ---: | ---: | ---: | ---: |"
    for seed, pair in enumerate(zip(found[pruner], found[NONE], strict=True)):
        for name, target in ((NONE, pair[1].best), (pruner, pair[0].best)):
            ours, theirs = (search.course.time_to(target, budget) for search in pair)
            yield (
                f"| {seed} | {name} | {target:.4f} | {ours.text(0)} "
                f"| {theirs.text(0)} | {(theirs / ours).text(2)} |"
            )


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data-dir", help="folder of prepared data sets")
    options.add_argument("--dataset", default="mnist")
    options.add_argument("--budget", type=float, default=600.0, help="seconds of a search")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--pruner", default="median", help="median, hyperband, asha ...")
    options.add_argument("--trials", type=int, default=1000, help="most trials of a search")
    options.add_argument("--max-epochs", type=int, default=20)
    options.add_argument("--target", type=float, nargs="*", help="validation accuracies")
    options.add_argument("--device", default="auto")
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--small", action="store_true", help="search small networks only")
    options.add_argument(
        "--together", action="store_true", help="both at once, half the cores each"
    )
    options.add_argument("--out", help="folder to keep the runs in")
    return options.parse_args()


def main() -> None:
    """Measure and print Markdown."""
    options = parse_options()
    print(
        f"{options.dataset}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, torch {version('torch')}, optuna "
        f"{version('optuna')}, device {options.device}, {options.jobs} jobs, "
        f"budget {options.budget:.0f} s, n = {options.seeds} seeds"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.out or temporary
        Path(folder).mkdir(parents=True, exist_ok=True)
        found = run_all(options, folder)
    targets = options.target or default_targets(found)
    print()
    for line in table(found, options.pruner, targets, options.budget):
        print(line)
    print()
    for line in own_targets(found, options.pruner, options.budget):
        print(line)
    defaults = [search.default for group in found.values() for search in group]
    print(
        f"\nThe default configuration (trial 0) reached {min(defaults):.4f} - {max(defaults):.4f}."
    )


if __name__ == "__main__":
    main()
