"""The worker with hpo-torch's own training, on real digits."""

from __future__ import annotations

import asyncio
import shutil
import threading

import pytest
from own_data import write_images
from runpod_jobs import digits_job, lines_in, lines_of, runpod_job

from hpo_torch.config.schema import DataSettings
from hpo_torch.search.families import search_space
from hpo_torch.training.saved_models import load_classifier
from hpo_torch.training.train_trial import train_trial
from hpo_torch_runpod.shipment import Shipper
from hpo_torch_runpod.wire import decode_chunk, join_parts


def figures(events):
    """What a training measured, without times."""
    metrics = [event.metrics for event in events if event.kind == "epoch_finished"]
    return [metric.model_dump(exclude={"seconds", "health_seconds"}) for metric in metrics]


def test_worker_measures_what_this_machine_measures(handler, tmp_path):
    lines = lines_of(handler, runpod_job(digits_job(epochs=2), target=None))
    here = []
    job = digits_job(epochs=2, device="cpu", output_dir=str(tmp_path / "here"))
    train_trial(job, here.append, threading.Event(), worker="w")
    assert figures(lines) == figures(here)
    assert len(figures(lines)) == 2
    assert lines[-1].measurements.health == here[-1].measurements.health
    content = join_parts([line for line in lines if line.kind == "artefact"])
    (tmp_path / "received.ckpt").write_bytes(content)
    received = load_classifier(tmp_path / "received.ckpt", "cpu")
    trained = load_classifier(tmp_path / "here" / "model.ckpt", "cpu")
    for name, tensor in trained.state_dict().items():
        assert received.state_dict()[name].equal(tensor), name


def test_stopped_training_goes_on_when_its_job_comes_again(handler):
    job = runpod_job(digits_job(epochs=150), target=None)

    async def until_an_epoch():
        chunks = handler.handle(job)
        kinds = set()
        while "epoch_finished" not in kinds:
            kinds |= {line.kind for line in decode_chunk(await anext(chunks)).lines}
        await chunks.aclose()  # waits for the training's end

    asyncio.run(until_an_epoch())
    assert not [each for each in threading.enumerate() if each.name.startswith("job-")]

    async def first_line():
        chunks = handler.handle(job)
        lines = lines_in([await anext(chunks)])
        await chunks.aclose()
        return lines[0]

    started = asyncio.run(first_line())
    assert started.kind == "trial_started"
    assert 1 <= started.epochs_done < 150


def test_data_set_that_the_image_does_not_know_is_the_backends_fault(handler):
    job = digits_job()
    unknown = job.model_copy(update={"data": job.data.model_copy(update={"dataset": "digitz"})})
    (last,) = lines_of(handler, runpod_job(unknown, target=None))
    assert (last.outcome, last.failure_kind) == ("failed", "backend")
    assert "unknown dataset 'digitz'. Did you mean 'digits'?" in last.message


@pytest.mark.parametrize("changes", [{"device": "cuda:7"}, {"output_dir": "/elsewhere"}])
def test_device_and_folder_are_the_workers_own(handler, changes):
    lines = lines_of(handler, runpod_job(digits_job(**changes), target=None))
    assert lines[-1].outcome == "completed"


def own_images(folder):
    """A small trial on a folder of the user's own, and what the client sends with it."""
    own = DataSettings(dataset="folder", path=str(write_images(folder / "own")))
    space = search_space("cnn", (1, 8, 8), 40, 1, 20)
    small = {"conv_layers": 1, "filters": 16, "hidden_units": 32, "batch_size": 16, "epochs": 1}
    job = digits_job(data=own, hyperparameters=space.defaults(space.check_fixed(small)))
    shipment = Shipper(None, pytest.fail, pytest.fail).shipment_of(job)
    return job, shipment.model_dump(mode="json")


def test_own_data_come_with_the_job(handler, folders, tmp_path):
    job, sent = own_images(tmp_path)
    shutil.rmtree(tmp_path / "own")  # the worker has no such folder
    lines = lines_of(handler, runpod_job(job, target=None, data=sent))
    assert lines[-1].outcome == "completed", lines[-1].traceback
    assert [path.name for path in folders.shipments.iterdir()] == [sent["sha256"]]


def test_own_data_that_cannot_be_kept_are_the_workers_fault(handler, folders, tmp_path):
    job, sent = own_images(tmp_path)
    folders.shipments.parent.mkdir(parents=True, exist_ok=True)
    folders.shipments.write_text("a file, not a folder")
    (last,) = lines_of(handler, runpod_job(job, target=None, data=sent))
    assert (last.outcome, last.failure_kind) == ("failed", "worker_died")
    assert "OutputError" in last.message
