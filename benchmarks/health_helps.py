"""Does health help? Every mode as a selection rule on one pool of random trainings.

    python benchmarks/health_helps.py train --output pool.jsonl --data-dir DIR [--jobs 2]
        [--conditions digits fashion reuters digits_noisy] [--configs 75] [--seeds 3]
    python benchmarks/health_helps.py analyse pool.jsonl [--json analysis.json] > tables.md

Question, design and measures: docs/does-health-help.md. `train` appends one line a training, and
goes on where an earlier one has stopped; Reuters R52 and Fashion-MNIST must lie in --data-dir
(`hpo-torch datasets prepare`). `analyse` trains nothing and works on unfinished pools too.

Expect, of processor time a training, health and examination included: 2 to 3 s on digits, 6 s on
Fashion-MNIST and on Reuters (means of 6 each, on a busy 2-core machine); all 900 trainings, an hour
of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from health_helps_data import CONDITIONS


def train(options: argparse.Namespace) -> None:
    """Train what is missing of the pool."""
    from health_helps_pool import missing_tasks, read_pool, train_pool

    records = read_pool(options.output)
    tasks = missing_tasks(records, options.conditions, options.seeds, options.configs)
    print(
        f"{len(records)} trainings done, {len(tasks)} to do; "
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {options.jobs} "
        f"jobs, Python {platform.python_version()}, torch {version('torch')}",
        flush=True,
    )
    started = time.perf_counter()
    new: list[dict[str, Any]] = []
    for record in train_pool(tasks, options.output, options.jobs, options.data_dir):
        new.append(record)
        if len(new) % 25 == 0 or len(new) == len(tasks):
            seconds = time.perf_counter() - started
            left = seconds / len(new) * (len(tasks) - len(new))
            print(
                f"{len(new)} of {len(tasks)} after {seconds:.0f} s, {left:.0f} s left", flush=True
            )
    for name in options.conditions:
        mine = [record for record in new if record["condition"] == name]
        if mine:
            print(f"{name}: {_costs(mine)}")


def _costs(records: list[dict[str, Any]]) -> str:
    training, health, exam, cpu = (
        [record[key] for record in records]
        for key in ("seconds", "health_seconds", "exam_seconds", "cpu_seconds")
    )
    return (
        f"{statistics.mean(training):.2f} s a training (longest {max(training):.1f} s), of which "
        f"health {statistics.mean(health):.2f} s; examination {statistics.mean(exam):.2f} s; "
        f"{statistics.mean(cpu):.2f} s of processor time in all"
    )


def analyse(options: argparse.Namespace) -> None:
    """Print the tables."""
    from health_helps_analysis import analyse_pool
    from health_helps_pool import read_pool
    from health_helps_tables import tables

    records = read_pool(options.pool)
    if not records:
        sys.exit(f"{options.pool}: expected a pool that `train` has written, found no record")
    results = analyse_pool(records, options.size)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n".join(tables(results)))


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help="train the pool, or what is left of it")
    training.set_defaults(command=train)
    training.add_argument("--output", type=Path, required=True, help="JSON lines, appended to")
    training.add_argument("--data-dir", help="folder of prepared data sets")
    training.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    training.add_argument("--configs", type=int, default=75, help="configurations a seed")
    training.add_argument("--seeds", type=int, default=3)
    training.add_argument("--jobs", type=int, default=2)
    analysis = commands.add_parser("analyse", help="print Markdown tables of a pool")
    analysis.set_defaults(command=analyse)
    analysis.add_argument("pool", type=Path)
    analysis.add_argument("--json", type=Path, help="where all results go")
    analysis.add_argument("--size", type=int, default=25, help="trainings of a sub-pool")
    return parser.parse_args()


if __name__ == "__main__":
    options = parse_options()
    options.command(options)
