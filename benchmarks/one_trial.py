"""What training one trial costs with hpo-torch, a bare loop, usual Lightning, and Keras.

All train the product's default configuration of a data set (an LSTM of imdb, CNNs of the others)
with the same batches, epochs, float32, threads and validation part, in a fresh process each,
without early stopping, and with all augmentations off, which not every contender has:

- hpo-torch: `train_trial`, as a worker calls it: with health, and the training's state on disk
  after every epoch (one_trial_product.py);
- bare loop: the same network and optimiser, data ready in memory, validation after each epoch, and
  nothing else: the limit (one_trial_limit.py);
- usual Lightning: as tutorials have it, with torchvision and a DataLoader (one_trial_usual.py);
- Keras on TensorFlow, where `--keras-python` names an interpreter that has tensorflow-cpu and numpy
  (one_trial_keras.py).

They take turns, in an order that changes by round. The first epoch warms up and is told apart;
seconds an epoch are the median of the others, whatever happens in them: training, validation,
and with hpo-torch and Lightning what they report and store. Ratios are hpo-torch's seconds by a
contender's of the same round: below 1, hpo-torch is faster. Keras' LSTM has fewer parameters, as
torch's has two biases a gate.

Run: nox -s bench -- benchmarks/one_trial.py --data-dir DIR [--network mnist] [--rounds 5]
     ... --keras-python PATH      --threads N       --json FILE       --small (a try-out on MNIST)
     ... --profile                where hpo-torch's seconds go beside the model
Expect: docs/performance.md. --small says only that all of it works: health costs the same however
few images there are, so that of a small part of MNIST it is the most of an epoch.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_report import machine, versions, write_json
from one_trial_figures import (
    OURS,
    contender_table,
    epoch_parts,
    figures,
    parts_table,
    profile_table,
    turns,
)
from one_trial_task import Task, run_apart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KERAS = "Keras"
CONTENDERS = {
    OURS: "one_trial_product:train",
    "bare loop": "one_trial_limit:train",
    "usual Lightning": "one_trial_usual:train",
    KERAS: "one_trial_keras:train",
}
NETWORKS = ("mnist", "gtsrb", "imdb", "digits")
SMALL = {"rounds": 2, "examples": 1500}
USUAL = {"rounds": 5, "examples": None}
IMAGE_WORKERS = 2
PROFILE_LINES = 40


def make_task(given: argparse.Namespace, folder: Path) -> Task:
    """Return the default configuration of the data set, without augmentation."""
    from hpo_torch.hooks.registry import installed_registry
    from hpo_torch.search.families import family_for, search_space

    dataset = installed_registry().datasets.get(given.network)
    assert dataset.sizes is not None
    assert dataset.input_shape is not None
    family = family_for(dataset.kind)
    # Of the whole set, also where a part of it is trained: batches would be smaller.
    size, epochs = dataset.sizes[0], given.epochs
    values = search_space(family, dataset.input_shape, size, epochs, epochs).defaults({})
    off = {name: type(value)() for name, value in values.items() if name.startswith("augment_")}
    workers = IMAGE_WORKERS if given.workers is None and family == "cnn" else given.workers or 0
    return Task(
        dataset=given.network,
        data_dir=given.data_dir,
        examples=given.examples,
        validation_split=dataset.validation_split,
        family=family,
        hyperparameters=values | off,
        epochs=epochs,
        threads=given.threads,
        workers=workers,
        seed=given.seed,
        folder=str(folder),
    )


def environment_of(threads: int) -> dict[str, str]:
    """Return the environment of every contender: what the product's workers have.

    It tells OpenMP how long to spin and oneDNN how much to keep: hpo_torch_local/devices.py.
    """
    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch_local.devices import worker_environment

    workers = worker_environment(ExecutionSettings(device="cpu"), 0, 0, os.environ)
    numbers = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return dict(os.environ) | workers | numbers


def run_rounds(
    task: Task, rounds: int, keras_python: str | None, environment: Mapping[str, str]
) -> tuple[list[list[str]], dict[str, list[dict[str, Any]]]]:
    """Let all contenders train in turns; returns each round's order, and what each has told."""
    names = [name for name in CONTENDERS if name != KERAS or keras_python]
    orders = turns(names, rounds, task.seed)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number, order in enumerate(orders):
        for name in order:
            interpreter, around = sys.executable, dict(environment)
            if name == KERAS and keras_python:
                interpreter = keras_python
                around.pop("PYTHONPATH", None)  # it names packages of this interpreter
            own = replace(task, seed=task.seed + number)
            run = run_apart(interpreter, CONTENDERS[name], own, around)
            runs[name].append(run)
            epochs = ", ".join(f"{seconds:.2f}" for seconds in run["epochs"])
            print(
                f"round {number + 1} of {rounds}, {name}: {epochs} s", file=sys.stderr, flush=True
            )
    return orders, runs


def measure(given: argparse.Namespace, task: Task) -> tuple[dict[str, Any], list[str]]:
    """Measure; returns the result, and what is printed of it."""
    environment = environment_of(task.threads)
    facts = run_apart(sys.executable, "one_trial_data:prepare", task, environment)
    if given.profile:
        profile = run_apart(sys.executable, "one_trial_profile:train", task, environment)
        return {"data": facts, "profile": profile}, [profile_table(profile, PROFILE_LINES)]
    orders, runs = run_rounds(task, given.rounds, given.keras_python, environment)
    summed, parts = figures(runs), epoch_parts(runs[OURS])
    told = [contender_table(summed), parts_table(parts)]
    if given.keras_python is None:
        told.append(
            "Keras is left out: --keras-python names an interpreter that has tensorflow-cpu and "
            "numpy."
        )
    result = {"data": facts, "orders": orders, "runs": runs, "figures": summed}
    return result | {"hpo_torch_epoch": parts}, told


def headline(given: argparse.Namespace, task: Task, result: Mapping[str, Any]) -> str:
    """Say what was trained, where, with what."""
    here, found, data = result["machine"], result["versions"], result["data"]
    packages = ", ".join(f"{name} {number}" for name, number in found.items())
    keras = result.get("runs", {}).get(KERAS, [])
    if keras:
        packages += "".join(f", {k} {v}" for k, v in keras[0]["versions"].items() if k != "python")
    times = "profiled once" if given.profile else f"n = {given.rounds} rounds"
    return (
        f"{task.dataset}: {data['train_examples']:,} examples train and "
        f"{data['validation_examples']:,} validate, {task.epochs} epochs in batches of "
        f"{task.hyperparameters['batch_size']}, augmentations off; {here['processor']}, "
        f"{task.threads} threads, load before {here['load_before'][0]}, Python {here['python']}, "
        f"{packages}; {times}"
    )


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="mnist", help="by its data set")
    parser.add_argument("--data-dir", help="folder of data files; digits need none")
    parser.add_argument("--rounds", type=int, help="5; 2 with --small")
    parser.add_argument("--epochs", type=int, default=3, help="the first one warms up")
    parser.add_argument("--examples", type=int, help="of the training set; all by default")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--workers", type=int, help="of Lightning's DataLoader; 2, of texts 0")
    parser.add_argument("--keras-python", help="interpreter that has tensorflow-cpu and numpy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", action="store_true", help="hpo-torch's side alone, once")
    parser.add_argument("--small", action="store_true", help="a part of MNIST, in a minute")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    given = parser.parse_args(arguments)
    if given.epochs < 2:  # noqa: PLR2004
        parser.error(f"--epochs: the first one warms up; expected at least 2, got {given.epochs}")
    if given.small and given.network != "mnist":
        parser.error(f"--small is of mnist, not of {given.network}; use --examples")
    for name, value in (SMALL if given.small else USUAL).items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    return given


def main() -> None:
    """Print Markdown."""
    given = options()
    where = {
        "machine": machine(),
        "versions": versions("hpo-torch", "torch", "torchvision", "lightning", "numpy"),
    }
    with tempfile.TemporaryDirectory() as folder:
        task = make_task(given, Path(folder))
        measured, told = measure(given, task)
    result = {
        "benchmark": "one_trial",
        "parameters": vars(given) | {"hyperparameters": task.hyperparameters},
        **where,
        **measured,
    }
    print(headline(given, task, result))
    for each in told:
        print(f"\n{each}")
    write_json(given.json, result)


if __name__ == "__main__":
    main()
