"""How soon do hpo-torch, Optuna, KerasTuner and Ray Tune find a network that is good enough?

Four searches of the same space (efficiency_space.py: a CNN and its training) on the same training
and validation part, each alone on this machine, in processes of its own, for `--budget` seconds
from the start of its process, imports included; for each seed in turns, another one first each
time. Measured is when the validation accuracy, of the whole validation part, first reaches a
target, in whichever trial. A target that is not reached counts as more than the budget.

    hpo-torch   `hpo-torch optimize --mode simple`, with `--pruner` (median) and `--jobs` (1)
    optuna      a LightningModule, DataLoader and MedianPruner: efficiency_optuna.py
    keras-tuner Hyperband on tensorflow-cpu: efficiency_kerastuner.py, where --keras-python is given
    ray         Ray Tune, ASHA and a PyTorch loop: efficiency_ray.py, where --ray-python is given

The same for all: space, split, images in memory and normalised, most epochs of a trial, trials that
end once the accuracy has not risen for `--patience` epochs, batch normalisation, no weight decay,
no augmentation, a constant learning rate. Not the same:

- hpo-torch trains a known good default first, and cannot leave it out. `--share-default` gives it
  to Optuna and Ray Tune as their first configuration, too (KerasTuner takes none).
- hpo-torch measures health, saves the best weights and writes its log, as it always does.
- hpo-torch chooses the precision (bfloat16 where the processor computes it fast), memory layout,
  threads, optimisers' fused forms and initial weights; the scripts have what is usual.
- Ray Tune trains as many trials at once as there are cores, one core each (`--ray-cores`), and
  draws at random; hpo-torch and Optuna use TPE; KerasTuner draws at random within Hyperband.
- Seeds are the same numbers, not the same random numbers.

Run: nox -s bench -- benchmarks/search_efficiency.py --data-dir DIR [--dataset gtsrb]
         [--keras-python PATH] [--ray-python PATH] [--out DIR] [--json FILE]
     ... --examples 2000 --budget 60 --seeds 1      tries it out: half of that is imports
Environments: pip install keras-tuner tensorflow-cpu tensorboard; pip install "ray[tune]" torch.
It takes budget x seeds x contenders: 3 h 20 min by default. With `--out`, searches that are already
there are not repeated: the same command goes on after an interruption.
Expect: hpo-torch first to each target, by at least 1.5 times the time of the best other.
Targets, unless `--target` gives them: what hpo-torch's default reached, and four accuracies evenly
above, up to the best that any search reached, which favours whoever reached it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import efficiency_product as product
from bench_report import machine, markdown, versions, write_json
from efficiency_figures import (
    END_HEADER,
    OURS,
    TARGET_HEADER,
    Found,
    Search,
    default_targets,
    end_rows,
    failures,
    figures,
    lead_lines,
    read_log,
    target_rows,
    turns,
)
from efficiency_race import HERE, run_for, versions_in, warm_up
from efficiency_space import SEARCHED
from efficiency_task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpo_torch.config.schema import RunConfig

CONTENDERS = (OURS, "optuna", "keras-tuner", "ray")
SCRIPTS = {name: HERE / f"efficiency_{name.replace('-', '')}.py" for name in CONTENDERS[1:]}
IMPORTS = {
    OURS: ("hpo_torch.cli.app", "lightning.pytorch", "optuna", "sklearn.model_selection"),
    "optuna": ("lightning.pytorch", "optuna", "torchmetrics"),
    "keras-tuner": ("keras_tuner",),
    "ray": ("torch", "ray.tune"),
}
PACKAGES = {"keras-tuner": ("keras-tuner", "tensorflow-cpu", "keras"), "ray": ("ray", "torch")}
NOT_COMPARED = ("out", "json", "target", "seeds", "contenders", "keras_python", "ray_python")


def run_one(
    given: argparse.Namespace, contender: str, config: RunConfig, parts: Path, folder: Path
) -> Search:
    """Run one search of one contender, and read what it noted."""
    seed, output = config.search.seed, folder / "output.txt"
    if contender == OURS:
        arguments = product.command(config, given.set, folder)
        command = [sys.executable, "-m", "hpo_torch.cli.app", *arguments]
        started = time.time()
        ended = run_for(command, started, given.budget, output)
        epochs = product.read_run(folder, started, given.budget)
    else:
        task = Task(
            data=str(parts),
            log=str(folder / "epochs.jsonl"),
            folder=str(folder),
            seed=seed,
            epochs=given.epochs,
            patience=given.patience,
            first=product.default_configuration(config) if given.share_default else None,
            cores_per_trial=given.ray_cores,
            started=time.time(),  # the last of the arguments: what comes before takes its time
        )
        command = [pythons(given)[contender], str(SCRIPTS[contender]), task.to_text()]
        ended = run_for(command, task.started, given.budget, output)
        epochs = read_log(Path(task.log), given.budget)
    return Search(contender, seed, epochs, ended.seconds, ended.failure)


def run_seed(
    given: argparse.Namespace, contenders: Sequence[str], seed: int, folder: Path
) -> dict[str, Search]:
    """Run or read every contender's search of one seed, in turns."""
    found = {}
    for contender in turns(contenders, seed):
        own = folder / f"{contender}_{seed}"
        kept = own / "search.json"
        if kept.exists():
            found[contender] = Search.from_json(json.loads(kept.read_text()))
            continue
        shutil.rmtree(own, ignore_errors=True)  # what an interruption left
        own.mkdir()
        data = product.data_settings(given, folder)
        config, parts = product.settings(given, data, seed, own), folder / f"parts_{seed}.npz"
        if not parts.exists():
            product.write_parts(config, parts)
        search = run_one(given, contender, config, parts, own)
        kept.write_text(json.dumps(search.as_json()))
        found[contender] = search
        tell(search)
    return {contender: found[contender] for contender in contenders}


def tell(search: Search) -> None:
    """Say how far a search came."""
    print(
        f"seed {search.seed}, {search.contender}: best {search.course.best:.4f}, "
        f"{search.trials} trials, {len(search.epochs)} epochs in {search.seconds:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    if search.failure:
        print(f"it failed: {search.failure}", file=sys.stderr, flush=True)


def pythons(given: argparse.Namespace) -> dict[str, str]:
    """Return the interpreters of the wanted contenders that can run."""
    known = {
        OURS: sys.executable,
        "optuna": sys.executable,
        "keras-tuner": given.keras_python,
        "ray": given.ray_python,
    }
    return {name: python for name in given.contenders if (python := known[name])}


def all_versions(given: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures depend on, by contender where environments differ."""
    found: dict[str, Any] = dict(versions("hpo-torch", "torch", "lightning", "optuna"))
    for name, python in pythons(given).items():
        if name in PACKAGES:
            found[name] = dict(versions_in(python, PACKAGES[name]))
    return found


def search_all(given: argparse.Namespace, folder: Path) -> Found:
    """Run all searches that are not there yet, seed by seed."""
    check_same(given, folder)
    if given.examples is not None and not (folder / "images").exists():
        product.write_images(given.dataset, given.data_dir, given.examples, folder)
    contenders = pythons(given)
    for name, python in contenders.items():
        warm_up(python, IMPORTS[name])
    found: Found = {name: [] for name in contenders}
    for seed in range(given.seeds):
        for name, search in run_seed(given, list(contenders), seed, folder).items():
            found[name].append(search)
    return found


def check_same(given: argparse.Namespace, folder: Path) -> None:
    """Refuse to go on with searches of other options.

    Raises:
        SystemExit: The folder holds such.
    """
    path = folder / "options.json"
    compared = {name: value for name, value in vars(given).items() if name not in NOT_COMPARED}
    if path.exists() and json.loads(path.read_text()) != compared:
        sys.exit(f"{folder} holds searches with other options: {path.read_text()}")
    path.write_text(json.dumps(compared))


def report(given: argparse.Namespace, found: Found, where: Mapping[str, Any]) -> None:
    """Print the tables, and write the result's file."""
    targets = given.target or default_targets(found)
    print(
        f"{given.dataset}{f', {given.examples} images' if given.examples else ''}: "
        f"{where['processor']}, {where['cores']} cores; {all_versions(given)}; "
        f"budget {given.budget:.0f} s, n = {given.seeds} seeds"
    )
    for name in given.contenders:
        if name not in found:
            option = f"--{name.removesuffix('-tuner')}-python"
            print(f"{name} is left out: {option} PATH names an environment that has it.")
    print("\n" + markdown(TARGET_HEADER, list(target_rows(found, targets))) + "\n")
    print(markdown(END_HEADER, list(end_rows(found))) + "\n")
    print("\n".join([*lead_lines(found, targets), *failures(found)]))
    result = {
        "benchmark": "search_efficiency",
        "machine": where,
        "versions": all_versions(given),
        "options": vars(given),
        "space": SEARCHED,
        **figures(found, targets),
    }
    write_json(given.json, result)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data-dir", type=_absolute, required=True, help="folder of prepared data sets")
    add("--dataset", default="fashion_mnist", help="a set of images: fashion_mnist, gtsrb ...")
    add("--examples", type=int, help="train on so few images of it, to try this out")
    add("--budget", type=float, default=600.0, help="seconds of a search, start-up included")
    add("--seeds", type=int, default=5)
    add("--epochs", type=int, default=20, help="the most of a trial")
    add("--patience", type=int, default=5, help="epochs without a rise that end a trial")
    add("--target", type=float, nargs="+", help="validation accuracies")
    add("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    add("--pruner", default="median", help="of hpo-torch: median, hyperband, asha ...")
    add("--jobs", type=int, default=1, help="of hpo-torch: trials at once")
    add("--set", action="append", default=[], help="of hpo-torch: SECTION.KEY=VALUE")
    add("--share-default", action="store_true", help="others begin with hpo-torch's default, too")
    add("--ray-cores", type=int, default=1, help="of a trial of Ray Tune")
    add("--keras-python", type=_absolute, help="interpreter with keras-tuner, tensorflow-cpu")
    add("--ray-python", type=_absolute, help="interpreter with ray[tune] and torch")
    add("--out", type=Path, help="folder to keep the searches in, and to go on from")
    add("--json", type=Path, help="file for the result")
    return parser.parse_args()


def _absolute(path: str) -> str:
    """Make it hold in any working folder; links stay: an environment's interpreter is one."""
    return str(Path(path).expanduser().absolute())


def main() -> None:
    """Measure and print Markdown."""
    given, where = options(), machine()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.out or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        found = search_all(given, folder)
    report(given, found, where)


if __name__ == "__main__":
    main()
