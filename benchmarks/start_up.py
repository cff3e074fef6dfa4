"""How long the program takes to start: its help, and a search up to the end of its first epoch.

Beside a bare interpreter, and one that imports torch and Lightning and does nothing more; all
take turns, in an order that changes at random from round to round, after a round that warms up disk
caches and does not count. The search is `optimize` on digits, one trial of one epoch; it trains in
a worker, a second process, which imports what it needs while the program makes the study. CPU
seconds are user and system, of all processes together; of the search, up to its first epoch's end.

Run: nox -s bench -- benchmarks/start_up.py [--rounds 7] [--small]
     ... --profile      (what is imported until then, by the program and by its worker; no timing)
Expect: --help in less than 0.4 s; the first epoch's end within 1.5 times of what importing torch
and Lightning takes.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench_report import Paired, machine, markdown, middle_and_range, versions, write_json
from import_times import foreign_table, packages_table, read_imports
from search_process import PROGRAM, Watch, check, ended, environment, search_command, started
from throughput_figures import epoch_seconds, moment, read_search

from hpo_torch.results.event_log import read_events

Figures = dict[str, float]

LOOK_SECONDS = 0.02  # between two looks for the first epoch: how late its CPU seconds are read
SMALL_ROUNDS = 2
PROFILE_ROWS = 15
EPOCH = b'"kind":"epoch_finished"'
BARE, IMPORTS, HELP, OPTIMIZE = "bare", "imports", "help", "optimize"
# The report of each process's imports goes to a file of its own: they share one stderr.
OWN_REPORT = """\
import os
folder = os.path.dirname(os.path.abspath(__file__))
file = os.open(os.path.join(folder, f"imports-{os.getpid()}"), os.O_WRONLY | os.O_CREAT)
os.dup2(file, 2)
os.close(file)
"""


def help_command() -> list[str]:
    """Return how a user asks for help: the installed script, if it lies beside the interpreter."""
    script = Path(sys.executable).with_name("hpo-torch")
    return [*([str(script)] if script.exists() else PROGRAM), "--help"]


def commands() -> dict[str, list[str]]:
    """Return the commands that are timed from their start to their end."""
    return {
        BARE: [sys.executable, "-c", "pass"],
        IMPORTS: [sys.executable, "-c", "import torch, lightning"],
        HELP: help_command(),
    }


def first_search(folder: Path) -> list[str]:
    """Return the command of a search that ends soon after its first epoch."""
    options = ("--dataset", "digits", "--trials", "1", "--epochs", "1")
    return search_command(folder, "run", *options)


def time_command(command: list[str], folder: Path) -> Figures:
    """Run a command to its end; return its wall and CPU seconds.

    Raises:
        RuntimeError: It has failed.
    """
    log = folder / "stderr"
    with log.open("wb") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env=environment()
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    check(process, log)
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime}


def has_epoch(events: Path) -> bool:
    """Say whether an event log tells of a finished epoch."""
    return events.exists() and EPOCH in events.read_bytes()


def time_search(folder: Path) -> Figures:
    """Run a search of one epoch; return seconds from its start, and of CPU up to the epoch's end.

    Raises:
        RuntimeError: It has failed, or ended before its first epoch was seen.
    """
    log, events = folder / "stderr", folder / "run" / "events.jsonl"
    begin = time.time()
    with started(first_search(folder), log, environment()) as process:
        watch = Watch(process.pid)
        while not ended(process, LOOK_SECONDS) and not has_epoch(events):
            pass
        watch.look()
        process.wait()
    end = time.time()
    check(process, log)
    search = read_search(read_events(events))
    epochs = [epoch for trial in search.trials.values() for epoch in trial.epochs]
    if not epochs or not watch.of("worker"):
        raise RuntimeError(f"the search ended before its first epoch was seen: {epochs}")
    program, worker = (watch.cpu_seconds(role) for role in ("program", "worker"))
    return {
        "study": search.begun - begin,
        "trial": search.first_start - begin,
        "epoch": epoch_seconds(epochs[0]),
        "wall": moment(epochs[0]) - begin,
        "cpu": program + worker,
        "program_cpu": program,
        "worker_cpu": worker,
        "end": end - begin,
    }


def measure(number: int, seed: int) -> list[dict[str, Figures]]:
    """Run some rounds; return for each what every contender measured."""
    dice, rounds = random.Random(seed), []
    timed = commands()
    for count in range(number + 1):
        order = [*timed, OPTIMIZE]
        dice.shuffle(order)
        found = {}
        for name in order:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                searches = name == OPTIMIZE
                found[name] = time_search(place) if searches else time_command(timed[name], place)
        if count:  # the first one has warmed up
            rounds.append(found)
            print(f"round {count} of {number} is measured", file=sys.stderr, flush=True)
    return rounds


# (name, contender, its wall seconds, its CPU seconds)
ROWS = (
    ("an interpreter", BARE, "wall", "cpu"),
    ("`hpo-torch --help`", HELP, "wall", "cpu"),
    ("`import torch, lightning`", IMPORTS, "wall", "cpu"),
    ("`optimize` to the study's begin", OPTIMIZE, "study", None),
    ("... to the first trial's start", OPTIMIZE, "trial", None),
    ("... to the first epoch's end", OPTIMIZE, "wall", "cpu"),
    ("... of that, the epoch", OPTIMIZE, "epoch", None),
    ("... of that, the program", OPTIMIZE, None, "program_cpu"),
    ("... of that, the worker", OPTIMIZE, None, "worker_cpu"),
    ("... to its end", OPTIMIZE, "end", None),
)


def table(rounds: list[dict[str, Figures]]) -> str:
    """Return a Markdown table: medians and ranges, and ratios to importing torch, by rounds."""
    header = [f"n = {len(rounds)}", "wall, s", "CPU, s", "wall / importing", "CPU / importing"]
    rows = []
    for name, contender, *figures in ROWS:
        texts, ratios = [], []
        for figure, kind in zip(figures, ("wall", "cpu"), strict=True):
            values = [each[contender][figure] for each in rounds] if figure else []
            theirs = [each[IMPORTS][kind] for each in rounds]
            texts.append(middle_and_range(values))
            ratios.append(middle_and_range(Paired(values, theirs).ratios if values else []))
        rows.append([name, *texts, *ratios])
    return markdown(header, rows)


def first_epoch(rounds: list[dict[str, Figures]]) -> Paired:
    """Return wall seconds to the first epoch's end, and those of importing torch and Lightning."""
    ours, theirs = ([each[name]["wall"] for each in rounds] for name in (OPTIMIZE, IMPORTS))
    return Paired(ours, theirs)


def profile(folder: Path) -> dict[str, str]:
    """Return what program and worker said of their imports up to the first epoch's end.

    Raises:
        RuntimeError: The search has failed.
    """
    (folder / "sitecustomize.py").write_text(OWN_REPORT, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    # Workers log into a temporary folder of their own, which is gone once they are.
    variables = {"PYTHONPATH": path, "PYTHONPROFILEIMPORTTIME": "1", "TMPDIR": str(folder)}
    events = folder / "run" / "events.jsonl"
    with started(first_search(folder), folder / "stderr", environment(**variables)) as process:
        while not ended(process, LOOK_SECONDS) and not has_epoch(events):
            pass
        reports = {each.name: _read(each) for each in folder.glob("imports-*")}
        logged = "".join(_read(each) for each in folder.glob("hpo-torch-workers-*/*.log"))
        process.wait()
    own = f"imports-{process.pid}"
    check(process, folder / own)
    program = reports.pop(own)
    # The third process is multiprocessing's resource tracker.
    worker = "".join(text for text in reports.values() if "hpo_torch_local" in text)
    return {"the program": program, "its worker": worker + logged}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def profile_imports() -> dict[str, Any]:
    """Print the dearest imports of program and worker; return all of them."""
    with tempfile.TemporaryDirectory() as folder:
        said = profile(Path(folder))
    found = {name: read_imports(text) for name, text in said.items()}
    print("Imports until the first epoch has ended; timing each of them makes all of them slower.")
    for name, imports in found.items():
        print(f"\nOf {name}:\n\n{packages_table(imports, PROFILE_ROWS)}")
        print(f"\n{foreign_table(imports, PROFILE_ROWS)}")
    return {"imports": {name: [asdict(each) for each in found[name]] for name in found}}


def time_starts(given: argparse.Namespace, where: dict[str, Any]) -> dict[str, Any]:
    """Measure all rounds and print their table; return everything that was measured."""
    rounds = measure(given.rounds, given.seed)
    ratio = first_epoch(rounds)
    print(
        f"{where['processor']}, {where['cores']} cores, load before {where['load_before'][0]}, "
        f"Python {where['python']}\n\n{table(rounds)}\n\nThe goals: less than 0.4 s for --help; "
        "the first epoch's end within 1.5 times of importing torch and Lightning."
    )
    return {
        "rounds": rounds,
        "first_epoch_by_importing": ratio.ratios,
        "first_epoch_by_importing_median": ratio.median,
    }


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0, help="of the order")
    parser.add_argument("--small", action="store_true", help=f"{SMALL_ROUNDS} rounds")
    parser.add_argument("--profile", action="store_true", help="list imports, measure nothing else")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    given = parser.parse_args()
    if given.small:
        given.rounds = SMALL_ROUNDS
    return given


def main() -> None:
    """Measure, print Markdown, write the JSON file."""
    given, where = options(), machine()
    result: dict[str, Any] = {
        "benchmark": "start_up",
        "parameters": vars(given),
        "help_command": help_command(),
        "machine": where,
        "versions": versions("hpo-torch", "torch", "lightning", "optuna", "pydantic", "typer"),
    }
    result |= profile_imports() if given.profile else time_starts(given, where)
    write_json(given.json, result)


if __name__ == "__main__":
    main()
