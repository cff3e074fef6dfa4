"""Trials on shipped data: the same as at home, and scored at home whatever part was shipped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import torch
from own_data import own_job, write_images, write_texts

from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.search.families import search_space
from hpo_torch.training.evaluate import Examination, evaluate_checkpoint
from hpo_torch.training.train_trial import train_trial
from hpo_torch_runpod.delivery import job_with, loader_of
from hpo_torch_runpod.shipment import Shipper

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.shipment import Shipment

SMALL: dict[str, dict[str, Any]] = {
    "cnn": {"conv_layers": 1, "filters": 16, "hidden_units": 64, "batch_size": 16, "epochs": 1},
    "lstm": {
        "embedding_dim": 8,
        "lstm_units": 8,
        "hidden_units": 8,
        "sequence_length": 12,
        "batch_size": 16,
        "epochs": 1,
    },
}


def small_job(dataset: str, folder: Path) -> TrialJob:
    """Return a job that trains in a second."""
    family, shape = ("cnn", (1, 8, 8)) if dataset == "folder" else ("lstm", (60,))
    path = write_images(folder / "own") if dataset == "folder" else write_texts(folder / "own.csv")
    space = search_space(family, shape, 40, 1, 20)
    return own_job(dataset, path, dir=str(folder / "data")).model_copy(
        update={
            "family": family,
            "hyperparameters": space.defaults(space.check_fixed(SMALL[family])),
            "output_dir": str(folder / "trial"),
        }
    )


def ship(job: TrialJob, largest: int) -> Shipment:
    made = Shipper(None, lambda _: None, pytest.fail, largest_inline=largest).shipment_of(job)
    assert made is not None
    return made


def trained_elsewhere(job: TrialJob, shipment: Shipment, folder: Path) -> list[Any]:
    """Train as a worker does, and return the events."""
    there = job_with(job, shipment).model_copy(update={"output_dir": str(folder / "there")})
    events: list[Any] = []
    loader = loader_of(shipment, folder / "cache")
    train_trial(there, events.append, threading.Event(), worker="there", loader=loader)
    assert events[-1].outcome == "completed", events[-1].traceback
    return events


@pytest.mark.parametrize("dataset", ["folder", "csv"])
def test_own_data_train_elsewhere_as_they_do_here(dataset: str, tmp_path: Path):
    job = small_job(dataset, tmp_path)
    here: list[Any] = []
    train_trial(job, here.append, threading.Event(), worker="here")
    there = trained_elsewhere(job, ship(job, 1_000_000), tmp_path)
    times = {"seconds", "health_seconds"}
    assert [each.kind for each in there] == [each.kind for each in here]
    for ours, theirs in zip(here, there, strict=True):
        if ours.kind == "epoch_finished":
            assert theirs.metrics.model_dump(exclude=times) == ours.metrics.model_dump(
                exclude=times
            )
    assert there[-1].measurements.val_accuracy == here[-1].measurements.val_accuracy
    assert there[-1].measurements.health == here[-1].measurements.health


@pytest.mark.parametrize(("dataset", "largest"), [("folder", 2_600), ("csv", 1_500)])
def test_a_network_of_a_part_is_scored_with_its_own_inputs(
    dataset: str, largest: int, tmp_path: Path
):
    job = small_job(dataset, tmp_path)
    shipment = ship(job, largest)
    assert 0.3 < shipment.fraction < 1
    trained_elsewhere(job, shipment, tmp_path)
    checkpoint = tmp_path / "there" / "model.ckpt"
    examination = Examination.of(checkpoint, job.data, job.split_seed, "cpu")
    spec = examination.prepared.input_spec
    # What this machine's data alone would have made of it.
    loader = installed_registry().datasets.load(dataset)
    whole = load_prepared(loader, job.data, job.split_seed, torch.device("cpu"))
    assert whole.for_trial(job.hyperparameters).input_spec != spec
    if dataset == "folder":
        # All test images are grey 77: whatever network saw it, it saw it normalised by the part.
        ((images, _),) = examination.batches
        expected = (77 / 255 - spec["mean"][0]) / spec["std"][0]
        assert images.allclose(images.new_tensor(expected))
    else:
        ids, _ = next(iter(examination.batches))
        known = {spec["tokens"][number] for number in ids.flatten().tolist()}
        assert known & {"good", "bad"}
    assert evaluate_checkpoint(checkpoint, job.data, job.split_seed, "cpu").loss > 0
