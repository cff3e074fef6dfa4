"""The pool of health_helps.py: train random configurations, examine each, append a line each."""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from health_helps_data import CONDITIONS, configuration, register_datasets
from health_helps_exam import Exam, examine, make_exam

from hpo_torch.config.health_presets import HEALTH_PRESETS
from hpo_torch.config.schema import HealthSettings, TrainingSettings
from hpo_torch.data.requests import data_request
from hpo_torch.health.score import overall_health, resolve_weights
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished, TrainingFinished
from hpo_torch.protocol.job import TrialJob
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import train_trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.measurements import Measurements

Record = dict[str, Any]
OPT_IN_WEIGHT = 1e-9  # has a metric measured that is off by default; no score here contains it


@dataclass(frozen=True, slots=True)
class Task:
    """One training.

    Attributes:
        condition: Key of `CONDITIONS`.
        seed: Of configurations, weights and validation split: each seed is a replication.
        config: Number of the configuration within the seed.
    """

    condition: str
    seed: int
    config: int


def train_one(task: Task, data_dir: str | None) -> Record:
    """Train a configuration as the product does, and examine the weights that it keeps."""
    condition = CONDITIONS[task.condition]
    values = configuration(condition, task.seed, task.config)
    events: list[BackendEvent] = []
    started, cpu_started = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        job = TrialJob(
            study="health_helps",
            trial=task.config,
            attempt="a",
            seed=1000 * task.seed + task.config,
            data=condition.settings(data_dir),
            split_seed=task.seed,
            family=condition.family,
            hyperparameters=values,
            training=TrainingSettings(precision="32-true"),
            health=HealthSettings(weights=_opt_in_weights()),
            device="cpu",
            output_dir=folder,
        )
        train_trial(job, events.append, threading.Event(), worker="health_helps")
        trained = time.perf_counter()
        finished = events[-1]
        assert isinstance(finished, TrainingFinished)
        record = {
            "condition": task.condition,
            "seed": task.seed,
            "config": task.config,
            "hyperparameters": values,
            "outcome": finished.outcome,
            "message": finished.message,
            "seconds": trained - started,
            "health_seconds": sum(
                e.metrics.health_seconds for e in events if isinstance(e, EpochFinished)
            ),
        }
        if finished.outcome == "completed" and finished.measurements is not None:
            model = Classifier.load_from_checkpoint(Path(folder, "model.ckpt"), map_location="cpu")
            record |= validation_figures(finished.measurements)
            record["test"] = examine(model.network, _exam(task, data_dir), model.hparams)
    record["exam_seconds"] = time.perf_counter() - trained
    return {**record, "cpu_seconds": time.process_time() - cpu_started}


def validation_figures(measured: Measurements) -> Record:
    """Return all that a selection rule may look at."""
    registered = list(installed_registry().health_metrics)
    settings = {"default": HealthSettings()}
    settings |= {name: HealthSettings(preset=name) for name in HEALTH_PRESETS}
    calibration = measured.health.get("calibration")
    return {
        "val_accuracy": measured.val_accuracy,
        "val_loss": measured.val_loss,
        "skill": measured.skill,
        "parameters": measured.parameters,
        "readings": {
            name: reading.model_dump(exclude={"details"})
            for name, reading in measured.health.items()
        },
        # Below 1,000 examples the metric has no value; for ranking, its bias matters less.
        "val_ece": calibration.details.get("ece") if calibration else None,
        "health": {
            name: overall_health(
                measured.health,
                resolve_weights(registered, each),
                measured.skill,
                each.combine,
                each.missing,
            )
            for name, each in settings.items()
        },
    }


def _exam(task: Task, data_dir: str | None) -> Exam:
    # Of images it is the same for all seeds.
    texts = CONDITIONS[task.condition].family == "lstm"
    return make_exam(task.condition, task.seed if texts else 0, data_dir)


def _opt_in_weights() -> dict[str, float]:
    specs = installed_registry().health_metrics
    return {spec.name: OPT_IN_WEIGHT for spec in specs if spec.opt_in}


def read_pool(path: Path) -> list[Record]:
    """Read a pool's records; a last line that a killed process left unfinished is left aside."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines() if line]


def missing_tasks(
    records: Sequence[Record], conditions: Sequence[str], seeds: int, configs: int
) -> list[Task]:
    """Return what is left to train, condition by condition and seed by seed.

    Raises:
        SystemExit: A record is of another configuration than is drawn now.
    """
    done = {}
    for record in records:
        task = Task(record["condition"], record["seed"], record["config"])
        drawn = configuration(CONDITIONS[task.condition], task.seed, task.config)
        if drawn != record["hyperparameters"]:
            raise SystemExit(
                f"the pool's {task} has other hyperparameters than are drawn now: it was made by "
                "another version. Choose another --output."
            )
        done[task] = True
    wanted = (
        Task(name, seed, config)
        for name in conditions
        for seed in range(seeds)
        for config in range(configs)
    )
    return [task for task in wanted if task not in done]


def train_pool(
    tasks: Sequence[Task], output: Path, jobs: int, data_dir: str | None
) -> Iterator[Record]:
    """Train in `jobs` processes of one thread each; yield every record once it is in the file."""
    _prepare(tasks, data_dir)
    _drop_unfinished_line(output)
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited; set before the workers import torch
    spawn = multiprocessing.get_context("spawn")
    with (
        output.open("a", encoding="utf-8") as file,
        ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_start_worker) as workers,
    ):
        futures = [workers.submit(train_one, task, data_dir) for task in tasks]
        try:
            for future in as_completed(futures):
                record = future.result()
                file.write(json.dumps(record) + "\n")
                file.flush()
                yield record
        finally:
            workers.shutdown(cancel_futures=True)


def _prepare(tasks: Sequence[Task], data_dir: str | None) -> None:
    register_datasets()
    for name in sorted({task.condition for task in tasks}):
        condition = CONDITIONS[name]
        loader = installed_registry().datasets.load(condition.dataset)
        loader.prepare(data_request(condition.settings(data_dir)))


def _drop_unfinished_line(output: Path) -> None:
    if output.exists():
        content = output.read_bytes()
        os.truncate(output, content.rfind(b"\n") + 1)


def _start_worker() -> None:
    torch.set_num_threads(1)
    register_datasets()
