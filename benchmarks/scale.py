"""What a study of 10,000 trials costs as it grows, and how fast its run is read.

Nothing is trained: a backend says at once that a trial of ten searched hyperparameters is done, so
that what is measured is the engine: ask, storage, events, files, tell. At 500, 1,000, 2,000, 5,000
and 10,000 trials it notes the seconds a trial (from the end of one training to the begin of the
next, median of the last hundred), the sizes of the run's files, and the memory of the process.
Then the run is read in every way that people read it (`show`, `plot`, the event log), and resumed
until it proposes one trial more, each time in a process of its own, the start of which counts.

Run: nox -s bench -- benchmarks/scale.py                     (10,000 trials; about 20 minutes)
     nox -s bench -- benchmarks/scale.py --trials 1000       (about a minute)
     ... --sampler random --mode pareto --pruner asha --epochs 10 --rounds 3 --json FILE
Expect: time a trial and files grow at most linearly; each way of reading takes under 5 s. All
pictures at once (`plot` without --what) may take longer. `--keep DIR` leaves the run there.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_report import machine, markdown, versions, write_json
from scale_figures import growths, mark_rows, read_rows, verdict
from scale_reads import measure_reads
from scale_study import RUN, Grown, grow

if TYPE_CHECKING:
    from scale_figures import Read

PACKAGES = ("optuna", "pydantic", "numpy", "matplotlib")
MARK_COLUMNS = (
    "trials",
    "ms a trial",
    "memory, MB",
    "events.jsonl, MB",
    "study.journal, MB",
    "trials.csv, MB",
    "rest, MB",
    "other files",
)
READ_COLUMNS = ("read", "seconds (range)", "CPU seconds (range)", "n", "memory, MB", "")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=1, help="of each trial")
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--pruner", default="median")
    parser.add_argument("--mode", default="health", help="constrained, pareto: two objectives")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1, help="of reading; 0 reads nothing")
    parser.add_argument("--keep", type=Path, help="folder in which the run is left")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def measure(given: argparse.Namespace, root: Path) -> tuple[Grown, list[Read]]:
    """Grow a run in a folder, and read it."""
    search = {"sampler": given.sampler, "pruner": given.pruner, "mode": given.mode}
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        task = (str(root), given.trials, given.seed, search, given.epochs)
        grown = fresh.apply(grow, task)
    return grown, measure_reads(root / RUN, given.trials, given.rounds) if given.rounds else []


def print_all(grown: Grown, reads: list[Read]) -> None:
    """Print Markdown."""
    print(markdown(MARK_COLUMNS, mark_rows(grown.marks)))
    print(
        f"\nAll trials: {grown.whole_seconds:.0f} s; from the last one to the study's end: "
        f"{grown.end_seconds:.1f} s."
    )
    powers = growths(grown.marks)
    if powers:
        said = ", ".join(f"{name} {power:.2f}" for name, power in powers.items())
        print(f"Grows with the number of trials to the power of: {said}.")
    if reads:
        print("\n" + markdown(READ_COLUMNS, read_rows(reads)))
    missed = verdict(grown.marks, reads)
    print("\nMissed: " + ("; ".join(missed) if missed else "nothing") + ".")


def main() -> None:
    """Measure and print."""
    given = options()
    where = machine()
    with tempfile.TemporaryDirectory() as temporary:
        grown, reads = measure(given, given.keep or Path(temporary))
    result: dict[str, Any] = {
        "parameters": vars(given),
        "machine": where,
        "versions": versions(*PACKAGES),
        "marks": [asdict(mark) for mark in grown.marks],
        "trial_seconds": [round(each, 6) for each in grown.seconds],
        "whole_seconds": grown.whole_seconds,
        "end_seconds": grown.end_seconds,
        "growth": growths(grown.marks),
        "reads": [asdict(read) for read in reads],
        "missed": verdict(grown.marks, reads),
    }
    print(
        f"{where['processor']}, {where['cores']} cores, load {where['load_before'][0]}, Python "
        f"{where['python']}, optuna {result['versions']['optuna']}; {given.trials:,} trials of "
        f"{given.epochs} epochs, sampler {given.sampler}, pruner {given.pruner}, mode {given.mode}"
        "\n"
    )
    print_all(grown, reads)
    write_json(given.json, result)


if __name__ == "__main__":
    main()
