"""hpo-torch's side of search_efficiency.py: its settings, the split of its data, its events."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml
from efficiency_figures import Epoch, within
from efficiency_space import FIXED, SEARCHED
from efficiency_task import MANY

from hpo_torch.config.schema import DataSettings, RunConfig
from hpo_torch.data.datamodule import prepare_images
from hpo_torch.data.requests import data_request
from hpo_torch.data.splits import stratified_sample
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished
from hpo_torch.results.array_files import write_arrays
from hpo_torch.results.event_log import read_events
from hpo_torch.study.plan import plan_study, with_data_defaults

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from hpo_torch.data.spec import ImageData

RUN = "run"
FEWEST_EPOCHS = 5  # search.min_epochs by default: where successive halving begins
NO_LIMIT = 1e6  # of a network's arithmetic: a limit would leave out a part of the space


def data_settings(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return where hpo-torch finds its data: a named set, or a folder with some of its images."""
    if given.examples is None:
        return {"dataset": given.dataset, "dir": given.data_dir, "download": False}
    return {"dataset": "folder", "path": str(folder / "images"), "dir": str(folder)}


def settings(given: argparse.Namespace, data: dict[str, Any], seed: int, folder: Path) -> RunConfig:
    """Return the settings of one search, with what the data set says by default.

    Args:
        given: Options of search_efficiency.py.
        data: As of `data_settings`.
        seed: Of sampler, split and trials.
        folder: Of the run's folder, which is called "run".
    """
    config = RunConfig.model_validate(
        {
            "data": data,
            "search": {
                "mode": "simple",
                "trials": MANY,
                "timeout": given.budget,
                "seed": seed,
                "pruner": given.pruner,
                "max_compute": NO_LIMIT,
                "space": {"cnn": SEARCHED},
                "fix": {**FIXED, "epochs": given.epochs},
                "min_epochs": min(FEWEST_EPOCHS, given.epochs),
                "max_epochs": given.epochs,
            },
            "training": {"patience": given.patience},
            "execution": {"backend": "local", "device": "cpu", "jobs": given.jobs},
            "output": {"dir": str(folder), "name": RUN},
        }
    )
    return with_data_defaults(config, installed_registry())


def command(config: RunConfig, changes: list[str], folder: Path) -> list[str]:
    """Return the arguments of `hpo-torch` that search with these settings, from a file.

    Args:
        config: The settings.
        changes: SECTION.KEY=VALUE, above them.
        folder: Of the file.
    """
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    above = [argument for change in changes for argument in ("--set", change)]
    return ["optimize", "--config", str(path), *above, "--quiet"]


def default_configuration(config: RunConfig) -> dict[str, Any]:
    """Return what hpo-torch trains first, as far as it is searched."""
    plan = plan_study(config, installed_registry(), data_request(config.data))
    return {name: plan.defaults[name] for name in SEARCHED}


def write_images(dataset: str, data_dir: str, examples: int, folder: Path) -> None:
    """Write some of a set's training images as a folder that hpo-torch reads, each class's share.

    hpo-torch sets a fifth of them apart as its test set.
    """
    from PIL import Image

    data = _load(DataSettings(dataset=dataset, dir=data_dir, download=False))
    chosen = stratified_sample(data.train_labels, examples, 0)
    unfinished = folder / "images.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    for position in chosen.tolist():
        pixels = data.train_images[position].permute(1, 2, 0).numpy()
        of_class = unfinished / f"{int(data.train_labels[position]):02d}"
        of_class.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.ascontiguousarray(pixels.squeeze()))
        image.save(of_class / f"{position:06d}.png")
    unfinished.rename(folder / "images")


def write_parts(config: RunConfig, path: Path) -> None:
    """Write the very training and validation part of a search, for `efficiency_task.read_parts`."""
    data = _load(config.data)
    prepared = prepare_images(data, config.data, config.search.seed, torch.device("cpu"))
    train, val = prepared.split.train, prepared.split.validation
    arrays = {
        "train_images": data.train_images[train].numpy(),
        "train_labels": data.train_labels[train].numpy(),
        "val_images": data.train_images[val].numpy(),
        "val_labels": data.train_labels[val].numpy(),
        "mean": np.asarray(prepared.mean, dtype=np.float32),
        "std": np.asarray(prepared.std, dtype=np.float32),
        "classes": np.asarray(prepared.num_classes),
    }
    write_arrays(path, arrays)


def read_run(folder: Path, started: float, budget: float) -> tuple[Epoch, ...]:
    """Read the epochs of a search that ended within the budget.

    Args:
        folder: Of the run's folder.
        started: When the process was started, seconds since 1970.
        budget: Seconds.
    """
    path = folder / RUN / "events.jsonl"
    events = read_events(path, "epoch_finished") if path.exists() else []
    epochs = [
        Epoch(
            round(datetime.fromisoformat(event.time).timestamp() - started, 3),
            str(event.trial),
            event.metrics.epoch,
            event.metrics.val_accuracy,
        )
        for event in events
        if isinstance(event, EpochFinished)
    ]
    return within(epochs, budget)


def _load(wanted: DataSettings) -> ImageData:
    loader = installed_registry().datasets.load(wanted.dataset)
    loader.prepare(data_request(wanted))
    data: ImageData = loader.load(data_request(wanted))
    return data
