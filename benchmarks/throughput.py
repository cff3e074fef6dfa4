"""How fast a search goes on with one worker and with two, and what passes between two trials.

Whole searches run through the real command line, with `--jobs 1` and with `--jobs 2`, in turns;
the order changes at random from round to round. Both of a round have the same seed and draw their
configurations at random, prune nothing and stop nothing early: so both train the same networks for
the same epochs; small ones, as it is about what lies between trials. What is measured is read from
their event logs (throughput_figures.py says what lies between which events), and by looking at
their processes once a second.

A worker has its share of the cores: one has both of two cores, two have one each. `--threads 1`
gives every worker one, which tells what the second worker brings from what threads do.

Run: nox -s bench -- benchmarks/throughput.py [--trials 30] [--epochs 5] [--rounds 3] [--small]
     ... --dataset mnist --data-dir DIR --epochs 1
     ... --all-networks      (the whole space: what takes long are a few large networks then)
Expect: two workers do at least 1.6 times the trials a minute of one (on two cores or more), and at
most 0.3 s pass in a worker between the end of one trial and the first step of the next one.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_report import machine, markdown, versions, write_json
from search_process import Watch, check, ended, environment, search_command, started
from throughput_figures import WHICH, Figures, median_of, pace, read_search, speed_up, table

from hpo_torch.results.event_log import read_events
from hpo_torch_local.devices import THREADS, cpu_threads

LOOK_SECONDS = 1.0
SMALL_NETWORKS = (
    "conv_layers={low: 1, high: 2}",
    "filters={choices: [16, 32]}",
    "filter_growth={choices: [1]}",
    "kernel_size={choices: [3]}",
    "hidden_layers={low: 1, high: 2}",
    "hidden_units={choices: [64, 128]}",
)
SMALL = {"trials": 6, "epochs": 2, "rounds": 1}


def search_options(given: argparse.Namespace, jobs: int, seed: int) -> list[str]:
    """Return what makes a search the same with any number of workers."""
    epochs = str(given.epochs)
    options = ["--dataset", given.dataset, "--set", "data.download=false"]
    options += ["--mode", "simple", "--sampler", "random", "--pruner", "none", "--no-health-stop"]
    options += ["--trials", str(given.trials), "--max-failures", str(given.trials)]
    options += ["--epochs", epochs, "--set", f"training.patience={epochs}"]
    options += ["--jobs", str(jobs), "--seed", str(seed)]
    if not given.all_networks:
        for change in SMALL_NETWORKS:
            options += ["--set", f"search.space.cnn.{change}"]
    if given.data_dir is not None:
        options += ["--data-dir", given.data_dir]
    return options


def run_search(given: argparse.Namespace, folder: Path, jobs: int, seed: int) -> Figures:
    """Run one search; return its figures, and what each trial trained.

    Raises:
        RuntimeError: It has failed; the message says what it said.
    """
    name = f"{jobs}_workers"
    command = search_command(folder, name, *search_options(given, jobs, seed))
    variables = environment(**({THREADS: str(given.threads)} if given.threads else {}))
    log = folder / f"{name}.log"
    begin = time.time()
    with started(command, log, variables) as process:
        watch = Watch(process.pid)
        while not ended(process, LOOK_SECONDS):
            watch.look()
    end = time.time()
    check(process, log)
    search = read_search(read_events(folder / name / "events.jsonl"))
    return pace(search, begin, end) | {
        "jobs": jobs,
        "torch_threads_a_worker": given.threads or cpu_threads(jobs),
        "system_threads_by_worker": [worker.threads for worker in watch.of("worker")],
        "workers_cpu_seconds": watch.cpu_seconds("worker"),
        "program_cpu_seconds": watch.cpu_seconds("program"),
        "configurations": search.configurations,
    }


def run_round(given: argparse.Namespace, seed: int, order: list[int]) -> dict[str, Figures]:
    """Run the searches of one round, each with its number of workers, in this order."""
    with tempfile.TemporaryDirectory() as folder:
        found = {jobs: run_search(given, Path(folder), jobs, seed) for jobs in order}
    one, more = found[1], found[given.jobs]
    # Compared here, so that the result need not hold every network twice.
    same = one.pop("configurations") == more.pop("configurations")
    if not same:
        print(f"seed {seed}: the searches trained different networks", file=sys.stderr)
    return {"one": one, "more": more, "run": {"seed": seed, "order": order, "same": same}}


def measure(given: argparse.Namespace) -> list[dict[str, Figures]]:
    """Run all rounds."""
    dice, rounds = random.Random(given.seed), []
    for number in range(given.rounds):
        order = [1, given.jobs]
        dice.shuffle(order)
        rounds.append(run_round(given, given.seed + number, order))
        print(f"round {number + 1} of {given.rounds} is measured", file=sys.stderr, flush=True)
    return rounds


def workers_table(rounds: list[dict[str, Figures]]) -> str:
    """Return a Markdown table of what workers were, and of how their trials ended, by round."""
    header = ["round", "workers", "torch threads each", "threads seen", "trials each", "ended"]
    rows = []
    for number, measured in enumerate(rounds, 1):
        for which in WHICH:
            each = measured[which]
            seen, trials = each["system_threads_by_worker"], each["trials_by_worker"].values()
            ended_so = (f"{count} {state}" for state, count in sorted(each["states"].items()))
            cells = [str(number), str(each["jobs"]), str(each["torch_threads_a_worker"])]
            texts = (", ".join(map(str, values)) for values in (seen, trials, ended_so))
            rows.append([*cells, *texts])
    return markdown(header, rows)


def print_results(given: argparse.Namespace, result: dict[str, Any]) -> None:
    """Print tables, and the two figures that have a goal."""
    rounds, where = result["rounds"], result["machine"]
    print(
        f"{given.dataset}, {given.trials} trials of {given.epochs} epochs, n = {given.rounds} "
        f"rounds; {where['processor']}, {where['cores']} cores, load before "
        f"{where['load_before'][0]}, Python {where['python']}, "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    )
    print(f"\n{table(rounds)}\n\n{workers_table(rounds)}\n")
    low, high = result["speed_up_spread"]
    print(
        f"{given.jobs} workers do {result['speed_up_median']:.2f} ({low:.2f} - {high:.2f}) times "
        "the trials a minute of one; the goal is 1.6 or more."
    )
    for which, name in zip(WHICH, ("one worker", f"each of {given.jobs} workers"), strict=True):
        between = result["between_seconds_median"][which]
        untrained = result["untrained_seconds_median"][which]
        if between is not None and untrained is not None:
            print(
                f"Between two trials of {name}: {between:.3f} s, {untrained:.3f} s with the first "
                "one's end; the goal is 0.3 s or less."
            )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--data-dir", help="folder of data files; digits needs none")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=5, help="of each trial")
    parser.add_argument("--all-networks", action="store_true", help="not only small ones")
    parser.add_argument("--jobs", type=int, default=2, help="workers that are compared with one")
    parser.add_argument("--threads", type=int, help="of every worker; its share of the cores")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--small", action="store_true", help="half a minute, to see that it works")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    given = parser.parse_args()
    if given.jobs < 2:  # noqa: PLR2004 - one is what it is compared with
        parser.error(f"--jobs: expected 2 or more, got {given.jobs}")
    if given.small:
        vars(given).update(SMALL)
    return given


def main() -> None:
    """Measure, print Markdown, write the JSON file."""
    given = options()
    result: dict[str, Any] = {
        "benchmark": "throughput",
        "parameters": vars(given),
        "machine": machine(),
        "versions": versions("hpo-torch", "torch", "lightning", "optuna", "pydantic"),
    }
    rounds = measure(given)
    ratio = speed_up(rounds)
    result |= {
        "rounds": rounds,
        "speed_up": ratio.ratios,
        "speed_up_median": ratio.median,
        "speed_up_spread": ratio.spread,
        **{
            f"{figure}_median": {which: median_of(rounds, which, figure) for which in WHICH}
            for figure in ("between_seconds", "untrained_seconds")
        },
    }
    print_results(given, result)
    write_json(given.json, result)


if __name__ == "__main__":
    main()
