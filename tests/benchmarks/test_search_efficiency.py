from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import psutil
import pytest
import torch
from efficiency_figures import Epoch, read_log
from efficiency_network import build_network, build_optimizer, loaders
from efficiency_optuna import search as optuna_search
from efficiency_product import (
    command,
    data_settings,
    default_configuration,
    read_run,
    settings,
    write_images,
    write_parts,
)
from efficiency_race import run_for
from efficiency_space import FIXED, SEARCHED
from efficiency_task import Task, read_parts
from event_writer import write

from hpo_torch.cli.settings import command_line_layers
from hpo_torch.config.load import resolve_config
from hpo_torch.data.requests import data_request
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished
from hpo_torch.protocol.measurements import EpochMetrics, Measurements
from hpo_torch.study.plan import plan_study

BUDGET = 100.0
CONFIGURATION = {
    "conv_layers": 2,
    "filters": 16,
    "kernel_size": 5,
    "hidden_units": 64,
    "dropout": 0.1,
    "learning_rate": 1e-2,
    "batch_size": 64,
    "optimizer": "sgd",
}


def task_in(folder, **changes):
    values = {
        "data": str(folder / "parts.npz"),
        "log": str(folder / "epochs.jsonl"),
        "folder": str(folder),
        "seed": 0,
        "epochs": 1,
        "patience": 5,
        "started": time.time(),
    }
    return Task(**{**values, **changes})


def test_a_task_goes_through_the_command_line_and_its_log_comes_back(tmp_path, monkeypatch):
    task = task_in(tmp_path, started=time.time() - 7, first=CONFIGURATION)
    monkeypatch.setattr(sys, "argv", ["script", task.to_text()])
    assert Task.from_command_line() == task
    task.tell(3, 1, 0.5)
    task.tell("abc", 2, 0.25)
    with (tmp_path / "epochs.jsonl").open("a") as log:
        log.write('{"seconds": 1')  # torn
    first, second = read_log(tmp_path / "epochs.jsonl", BUDGET)
    assert (first.trial, first.epoch, first.val_accuracy) == ("3", 1, 0.5)
    assert (second.trial, second.epoch) == ("abc", 2)
    assert 7 <= first.seconds < 60
    assert read_log(tmp_path / "epochs.jsonl", 6.9) == ()
    assert read_log(tmp_path / "nothing.jsonl", BUDGET) == ()


def given_for(**changes):
    values = {
        "dataset": "digits",
        "data_dir": "nowhere",
        "examples": None,
        "budget": 30.0,
        "epochs": 20,
        "patience": 5,
        "pruner": "median",
        "jobs": 1,
    }
    return argparse.Namespace(**{**values, **changes})


def config_for(folder, seed=3, **changes):
    given = given_for(**changes)
    return settings(given, data_settings(given, folder), seed, folder)


@pytest.mark.parametrize("dataset", ["fashion_mnist", "gtsrb"])
def test_hpo_torch_searches_the_space_and_nothing_else(tmp_path, dataset):
    config = config_for(tmp_path, dataset=dataset)
    plan = plan_study(config, installed_registry(), data_request(config.data))
    assert set(plan.defaults) - set(plan.fixed) <= set(SEARCHED)  # all else is fixed, or off
    assert set(plan.fixed) == {*FIXED, "epochs"}
    first = default_configuration(config)
    for name, domain in SEARCHED.items():
        assert plan.space.parameter(name).domain.convert(first[name]) == first[name]
        for value in domain.get("choices", [domain.get("low"), domain.get("high")]):
            assert plan.space.parameter(name).domain.convert(value) == value
    assert plan.space.parameter("learning_rate").domain.log
    assert config.data.validation_split == (0.1 if dataset == "gtsrb" else 0.2)


def test_the_command_has_the_same_settings(tmp_path):
    config = config_for(tmp_path)
    arguments = command(config, ["search.sampler=random"], tmp_path)
    path = tmp_path / "settings.yaml"
    layers = command_line_layers(None, path, ["search.sampler=random"], {}, environment=False)
    resolved = resolve_config(layers).config
    assert arguments[:3] == ["optimize", "--config", str(path)]
    assert arguments[3:5] == ["--set", "search.sampler=random"]
    assert resolved.search.sampler == "random"
    back = resolved.search.model_copy(update={"sampler": config.search.sampler})
    assert resolved.model_copy(update={"search": back}) == config


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    write_parts(config_for(folder), folder / "parts.npz")
    return folder


def test_the_parts_are_those_of_hpo_torch(digits):
    from hpo_torch.data.datamodule import prepare_images

    config = config_for(digits)
    parts = read_parts(digits / "parts.npz")
    data = installed_registry().datasets.load("digits").load(data_request(config.data))
    theirs = prepare_images(data, config.data, 3, torch.device("cpu"), channels_last=False)
    images, labels = theirs.images.batch(theirs.split.validation)
    assert parts.shape == (1, 8, 8)
    assert parts.num_classes == 10
    assert len(parts.train_labels) == len(theirs.split.train)
    assert parts.train_images.dtype == np.float32
    assert np.array_equal(parts.val_labels, labels.numpy())
    assert np.allclose(parts.val_images, images.numpy(), atol=1e-5)


def test_some_images_become_a_folder_that_hpo_torch_reads(tmp_path):
    write_images("digits", "nowhere", 200, tmp_path)
    config = config_for(tmp_path, examples=200)
    assert config.data.dataset == "folder"
    write_parts(config, tmp_path / "parts.npz")
    parts = read_parts(tmp_path / "parts.npz")
    assert parts.shape == (1, 8, 8)
    assert 120 <= len(parts.train_labels) + len(parts.val_labels) <= 170  # a fifth is tested with
    assert set(parts.val_labels) == set(range(10))
    assert set(default_configuration(config)) == set(SEARCHED)


def test_a_network_and_its_optimiser_learn(digits):
    parts = read_parts(digits / "parts.npz")
    torch.manual_seed(0)
    network = build_network(CONFIGURATION, parts.shape, parts.num_classes)
    optimizer = build_optimizer(CONFIGURATION, network.parameters())
    train, val = loaders(parts, 64)
    assert sum(len(labels) for _, labels in val) == len(parts.val_labels)
    losses = []
    for images, labels in train:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert max(losses[-3:]) < 0.75 * losses[0]
    assert [name for name, _ in network.named_children()] == [str(n) for n in range(13)]


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", "Adam"), ("rmsprop", "RMSprop"), ("sgd", "SGD")]
)
def test_optimisers_are_those_of_their_names(name, kind):
    values = {**CONFIGURATION, "optimizer": name}
    optimizer = build_optimizer(values, torch.nn.Linear(2, 2).parameters())
    assert type(optimizer).__name__ == kind
    assert optimizer.defaults["lr"] == 1e-2
    assert not optimizer.defaults["weight_decay"]
    assert optimizer.defaults.get("momentum", 0.0) == (FIXED["momentum"] if name == "sgd" else 0.0)


def test_optuna_notes_every_epoch(digits, tmp_path):
    task = task_in(
        tmp_path, data=str(digits / "parts.npz"), epochs=2, trials=2, first=CONFIGURATION
    )
    optuna_search(task)
    epochs = read_log(tmp_path / "epochs.jsonl", BUDGET)
    assert [(epoch.trial, epoch.epoch) for epoch in epochs] == [
        ("0", 1),
        ("0", 2),
        ("1", 1),
        ("1", 2),
    ]
    assert epochs[1].val_accuracy > 0.5


def test_events_of_hpo_torch_are_epochs_from_the_start_on(tmp_path):
    def event(second, trial, accuracy):
        metrics = EpochMetrics(
            epoch=2,
            train_loss=1.0,
            train_accuracy=0.5,
            val_loss=1.0,
            val_accuracy=accuracy,
            learning_rate=0.1,
            seconds=1.0,
        )
        measured = Measurements(
            val_accuracy=0.99,  # the best so far: not what this epoch has reached
            val_loss=1.0,
            last_val_accuracy=accuracy,
            skill=0.5,
            parameters=1,
            training_seconds=1.0,
        )
        return EpochFinished(
            trial=trial, attempt=f"{trial}-1", epochs=5, metrics=metrics, so_far=measured
        ).model_copy(update={"time": f"1970-01-01T00:00:{second:02}.250+00:00"})

    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "events.jsonl", [event(12, 0, 0.5), event(20, 1, 0.75)])
    epochs = read_run(tmp_path, 10.0, BUDGET)
    assert epochs == (Epoch(2.25, "0", 2, 0.5), Epoch(10.25, "1", 2, 0.75))
    assert len(read_run(tmp_path, 10.0, 5.0)) == 1
    assert read_run(tmp_path / "nothing", 0.0, BUDGET) == ()


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def is_gone(pid):
    """Whether a process has ended; what nobody has asked for its exit code may linger."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pid):
    deadline = time.time() + 30
    while not is_gone(pid) and time.time() < deadline:
        time.sleep(0.02)
    return is_gone(pid)


def test_a_contender_is_ended_at_its_budget_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr("efficiency_race.GRACE_SECONDS", 0.5)
    output, started = tmp_path / "output.txt", time.time()
    ended = run_for([sys.executable, "-c", STUBBORN], started, 4.0, output)
    assert (ended.seconds, ended.failure) == (4.0, "")
    assert 4.0 <= time.time() - started < 60
    assert wait_until_gone(int(output.read_text()))


def test_a_contender_that_fails_says_why_and_leaves_nothing(tmp_path):
    code = STUBBORN.replace("time.sleep(600)\n", "sys.exit('no memory')\n")
    output = tmp_path / "output.txt"
    ended = run_for([sys.executable, "-c", code], time.time(), 60.0, output)
    assert ended.seconds < 60
    assert ended.failure.startswith("exit code 1: ")
    assert "no memory" in ended.failure
    assert wait_until_gone(int(output.read_text().split()[0]))


def test_a_contender_that_has_no_more_to_do_has_not_failed(tmp_path):
    ended = run_for([sys.executable, "-c", ""], time.time(), 60.0, tmp_path / "output.txt")
    assert (ended.seconds, ended.failure) == (60.0, "")
