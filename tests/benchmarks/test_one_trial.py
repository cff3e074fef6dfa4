from __future__ import annotations

import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from one_trial import environment_of, make_task, measure, options
from one_trial_data import prepare
from one_trial_figures import (
    FORWARD,
    OURS,
    profile_table,
)
from one_trial_keras import normalised, one_cycle_rates, unwritten, window_of
from one_trial_limit import Images, Texts
from one_trial_profile import train as profiled
from one_trial_task import Arrays, Task, run_apart
from one_trial_usual import PilImages, TokenLists, pad
from torchvision import transforms

from hpo_torch.models.cnn import _pooled


@pytest.mark.parametrize("steps", [10, 75, 1000])
def test_one_cycle_is_torchs(steps):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.004, steps, cycle_momentum=False)
    expected = []
    for _ in range(steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < steps:
            schedule.step()
    np.testing.assert_allclose(one_cycle_rates(0.004, steps), expected, rtol=1e-4)


@pytest.mark.parametrize(("have", "wanted"), [(16, 4), (4, 4), (7, 3), (10, 3)])
def test_window_pools_as_the_product_does(have, wanted):
    window, stride = window_of(have, wanted)
    maps = torch.rand(2, 3, have, have)
    pooled = torch.nn.functional.max_pool2d(maps, window, stride)
    assert pooled.shape[2:] == (wanted, wanted)
    assert torch.equal(pooled, _pooled(maps, torch.zeros(2, 3, wanted, wanted)))


def given(*more):
    return options(["--network", "digits", "--threads", "1", *more])


@pytest.mark.parametrize("network", ["mnist", "gtsrb", "imdb"])
def test_defaults_are_written_for_keras_and_change_no_image(network, tmp_path):
    task = make_task(options(["--network", network, "--data-dir", "x"]), tmp_path)
    assert unwritten(task.hyperparameters) == []
    assert not any(v for name, v in task.hyperparameters.items() if name.startswith("augment_"))
    assert task.hyperparameters["epochs"] == task.epochs == 3
    assert task.workers == (0 if network == "imdb" else 2)


def test_keras_refuses_what_is_not_written():
    assert unwritten({"optimizer": "sgd", "pooling": "max"}) == ["optimizer: sgd"]


def test_small_is_a_part_of_mnist(capsys):
    small = options(["--small", "--data-dir", "x", "--rounds", "1"])
    assert (small.network, small.examples, small.rounds) == ("mnist", 1500, 1)
    with pytest.raises(SystemExit):
        options(["--small", "--network", "imdb"])
    with pytest.raises(SystemExit):
        options(["--epochs", "1"])
    assert "the first one warms up" in capsys.readouterr().err


def image_arrays(channels):
    drawn = np.random.default_rng(0)
    pixels = drawn.integers(0, 256, (5, channels, 4, 6), dtype=np.uint8)
    return Arrays(
        train_inputs=pixels,
        train_labels=np.arange(5),
        validation_inputs=pixels[:2],
        validation_labels=np.arange(2),
        input_shape=np.array(pixels.shape[1:]),
        classes=np.array(5),
        validation_batch=np.array(2),
        mean=np.linspace(0.3, 0.5, channels),
        std=np.linspace(0.2, 0.4, channels),
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_all_contenders_get_the_same_images(channels):
    arrays = image_arrays(channels)
    pixels, labels = arrays.train_inputs, arrays.train_labels
    bare = Images(torch.from_numpy(pixels), torch.from_numpy(labels), arrays)
    batches = list(bare.in_order(2))
    images = torch.cat([batch for batch, _ in batches])
    assert torch.cat([answers for _, answers in batches]).tolist() == [0, 1, 2, 3, 4]
    mean, std = (figure.reshape(-1, 1, 1) for figure in (arrays.mean, arrays.std))
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(images.numpy(), expected, rtol=1e-4, atol=1e-5)
    if channels > 1:
        assert images.is_contiguous(memory_format=torch.channels_last)
    for_keras = normalised(pixels, arrays).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(for_keras, expected, rtol=1e-4, atol=1e-5)
    normalise = transforms.Normalize(arrays.mean.tolist(), arrays.std.tolist())
    usual = PilImages(pixels, labels, transforms.Compose([transforms.ToTensor(), normalise]))
    image, label = usual[3]
    np.testing.assert_allclose(image.numpy(), expected[3], rtol=1e-4, atol=1e-5)
    assert (label, len(usual)) == (3, 5)


def test_bare_loop_sees_every_image_once_in_another_order():
    arrays = image_arrays(1)
    many = np.repeat(arrays.train_inputs, 20, axis=0)
    images = Images(torch.from_numpy(many), torch.arange(100), arrays)
    orders = [torch.cat([labels for _, labels in images.shuffled(32)]) for _ in range(2)]
    assert all(order.sort().values.tolist() == list(range(100)) for order in orders)
    assert orders[0].tolist() != orders[1].tolist()


def test_texts_come_once_padded_to_the_longest_of_their_batch():
    lengths = torch.arange(1, 31)
    ids = (torch.arange(30).unsqueeze(0) < lengths.unsqueeze(1)).int() * 7
    texts = Texts(ids, lengths)
    for batches in (list(texts.shuffled(4)), list(texts.in_order(4))):
        assert torch.cat([labels for _, labels in batches]).sort().values.tolist() == list(
            range(1, 31)
        )
        for inputs, labels in batches:
            assert (inputs != 0).sum(1).tolist() == labels.tolist()
            assert inputs.shape[1] == labels.max()
            assert labels.max() - labels.min() < 4  # neighbours in length: one pool holds them all
    assert next(texts.in_order(15))[1].tolist() == list(range(1, 16))


def test_usual_texts_are_lists_that_collate():
    texts = TokenLists(np.array([[5, 6, 0], [7, 0, 0]], np.int32), np.array([1, 0]))
    assert texts[0] == ([5, 6], 1)
    inputs, labels = pad([texts[0], texts[1]])
    assert inputs.tolist() == [[5, 6], [7, 0]]
    assert labels.tolist() == [1, 0]


def test_a_task_is_read_as_it_was_written(tmp_path):
    task = make_task(given("--examples", "300"), tmp_path)
    task.write(tmp_path / "task.json")
    assert Task.read(tmp_path / "task.json") == task


def test_arrays_are_read_as_they_were_written(tmp_path):
    task, arrays = make_task(given(), tmp_path), image_arrays(3)
    arrays.write(task.arrays_path)
    read = task.arrays()
    assert np.array_equal(read.train_inputs, arrays.train_inputs)
    assert (int(read.classes), read.mean.tolist()) == (5, arrays.mean.tolist())


def test_a_contender_that_fails_says_why(tmp_path):
    task = make_task(given(), tmp_path)
    with pytest.raises(RuntimeError, match="has no attribute 'missing'"):
        run_apart(sys.executable, "one_trial_task:missing", task, os.environ)


def test_contenders_have_the_workers_environment_and_as_many_threads(monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    environment = environment_of(3)
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "3"
    assert int(environment["GOMP_SPINCOUNT"]) > 0
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_contenders_train_the_same_network(tmp_path):
    said = given("--rounds", "1", "--epochs", "3", "--examples", "600", "--workers", "0")
    task = make_task(said, tmp_path)
    # A batch of 32, the default of so few images, is a step in a few milliseconds.
    result, told = measure(said, replace(task, seed=5))
    assert result["data"]["train_examples"] == 480
    assert sorted(result["orders"][0]) == sorted(result["runs"])
    runs = {name: own[0] for name, own in result["runs"].items()}
    assert sorted(runs) == ["bare loop", OURS, "usual Lightning"]
    assert len({each["parameters"] for each in runs.values()}) == 1
    for each in runs.values():
        assert len(each["epochs"]) == 3
        assert min(each["epochs"]) > 0
        assert each["val_accuracy"] > 0.3  # of ten classes
    ours = runs[OURS]
    assert ours["epochs"][1] > ours["training_seconds"][1] + ours["health_seconds"][1]
    assert "Keras is left out" in told[-1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_profile_tells_model_and_lightning_apart(tmp_path):
    # In this process: what it makes of its frames, pytest's among them, is what is tested.
    task = make_task(given("--epochs", "2", "--examples", "600"), tmp_path)
    prepare(task)
    profile = profiled(task)
    assert profile["steps"] == 15
    assert profile["calls"]["(the backward pass)"] == 15
    assert profile["calls"][FORWARD] == 16  # and a batch of validation
    assert "all of: Lightning" in profile_table(profile, 1)
