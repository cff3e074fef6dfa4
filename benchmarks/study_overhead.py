"""What a trial costs beside its training: ask, tell, storage, events, files; and its memory.

    python benchmarks/study_overhead.py [--trials N] [--rounds R] [--memory-trials M] [--profile]

Trials of ten searched hyperparameters train nothing: a backend in this process says at once that
one epoch and then the trial is done. Each trial of the study is followed by one of the same sampler
(Optuna's TPE with the product's options) on a study in memory: ask, suggest, tell. So both see a
history of the same length, and a busy machine slows both alike. One round is N trials (1,000).

Then the resident memory of a process that runs a study of M trials (2,000), every 100 trials.
Expected: at most 10 ms a trial above the study in memory, and memory flat within 10 % after the
first 200 trials. --profile runs the product's side of one round alone, under cProfile.
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import os
import platform
import pstats
import statistics
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import psutil
from instant_study import InstantBackend, make_plan, run_study, score_of

from hpo_torch.search.sampler_options import TpeOptions
from hpo_torch.study.samplers import startup_trials

if TYPE_CHECKING:
    from hpo_torch.search.space import SearchSpace

BLOCK = 100
WARM_UP = 200  # trials before memory is expected to be flat


class InMemory:
    """The same sampler on a study in memory, one trial a call.

    Attributes:
        seconds: Of each trial.
    """

    def __init__(self, space: SearchSpace, fixed: dict[str, Any], trials: int, seed: int) -> None:
        self._space, self._fixed = space, fixed
        options = TpeOptions().model_dump() | {
            "n_startup_trials": startup_trials(trials),
            "constant_liar": False,
        }
        sampler = optuna.samplers.TPESampler(seed=seed, **options)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self.seconds: list[float] = []

    def __call__(self, _: int) -> None:
        """Ask, suggest, tell."""
        begin = time.perf_counter()
        trial = self._study.ask()
        values = self._space.sample(trial, self._fixed)
        self._study.tell(trial, score_of(values))
        self.seconds.append(time.perf_counter() - begin)


def overhead_rounds(trials: int, rounds: int) -> list[list[tuple[float, float]]]:
    """Return for each round and trial the seconds of the study, and of the one in memory."""
    results = []
    for seed in range(rounds):
        plan = make_plan(trials, seed)
        in_memory = InMemory(plan.space, plan.fixed, trials, seed)
        backend = InstantBackend(in_memory)
        with tempfile.TemporaryDirectory() as folder:
            run_study(plan, Path(folder), backend)
        results.append(list(zip(backend.seconds, in_memory.seconds, strict=True)))
    return results


def print_overhead(rounds: list[list[tuple[float, float]]]) -> None:
    """Print milliseconds a trial, by blocks of a hundred trials, medians over all rounds."""
    print("\n| trials | hpo-torch | in memory | difference, ms a trial (quartiles) |")
    print("| --- | ---: | ---: | ---: |")
    count = len(rounds[0])
    blocks = [(low, min(low + BLOCK, count)) for low in range(0, count, BLOCK)]
    for low, high in [*blocks, (0, count)]:
        pairs = [pair for measured in rounds for pair in measured[low:high]]
        ours, theirs = (statistics.median(values) * 1e3 for values in zip(*pairs, strict=True))
        differences = [(a - b) * 1e3 for a, b in pairs]
        first, middle, third = statistics.quantiles(differences, n=4)
        print(
            f"| {low + 1} - {high} | {ours:.1f} | {theirs:.1f} "
            f"| {middle:.1f} ({first:.1f} - {third:.1f}) |"
        )
    means = [1e3 * statistics.fmean(a - b for a, b in measured) for measured in rounds]
    print(f"\nMean difference of each round: {', '.join(f'{mean:.1f}' for mean in means)} ms.")


def measure_memory(trials: int) -> list[float]:
    """Return this process's resident memory, 10^6 bytes, after every hundred trials."""
    process, sizes = psutil.Process(), []

    def look(trial: int) -> None:
        if trial and trial % BLOCK == 0:
            sizes.append(process.memory_info().rss / 1e6)

    backend = InstantBackend(look)
    with tempfile.TemporaryDirectory() as folder:
        run_study(make_plan(trials + 1, 0), Path(folder), backend)
    return sizes


def print_memory(sizes: list[float]) -> None:
    """Print the sizes, and how far they are from flat."""
    print(f"\nResident memory every {BLOCK} trials, MB: {', '.join(f'{s:.0f}' for s in sizes)}")
    warm = sizes[WARM_UP // BLOCK - 1 :]
    if warm:
        change = max(warm) / warm[0] - 1
        print(f"Growth from trial {WARM_UP} on: {change:.1%} of {warm[0]:.0f} MB")


def fsync_milliseconds() -> float:
    """Return how long this disk takes to have a small file for certain; a trial waits for some."""
    seconds = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            file.write(b"x" * 1000)
            file.flush()
            begin = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) * 1e3


def profile(trials: int) -> None:
    """Print where the product's side spends its time."""
    profiler = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(trials, 0)
        profiler.enable()
        run_study(plan, Path(folder), InstantBackend(lambda _: None))
        profiler.disable()
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(60)


def main() -> None:
    """Measure and print Markdown."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory-trials", type=int, default=2000)
    options.add_argument("--profile", action="store_true")
    given = options.parse_args()
    # TPE's `group` is experimental; its options are what this is about.
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if given.profile:
        profile(given.trials)
        return
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, optuna {version('optuna')}, n = {given.rounds} x "
        f"{given.trials} trials; fsync {fsync_milliseconds():.2f} ms"
    )
    if given.rounds:
        print_overhead(overhead_rounds(given.trials, given.rounds))
    if given.memory_trials:
        with multiprocessing.get_context("spawn").Pool(1) as fresh:
            print_memory(fresh.apply(measure_memory, (given.memory_trials,)))


if __name__ == "__main__":
    main()
