"""Trials that really train: a dead one is stopped with the reason, a living one never."""

from __future__ import annotations

import pytest
from interrupted_trials import assert_equal_ends, crash_after, in_folder, of_epochs, train

from hpo_torch.protocol.events import HEALTH_STOP

# Adam at this rate kills every unit of the hidden layer in its second epoch.
DEADLY = {"learning_rate": 1.0, "optimizer": "adam", "activation": "relu", "epochs": 6}
DEAD = "all 64 units of activation 'hidden1.activation' are dead"
PROBES = {"probe_size": 64, "gradient_probe_size": 32}


def told(events):
    return [event.message for event in events if event.kind == "health_alert"]


def test_a_dead_network_is_stopped_and_says_why(make_job):
    job = make_job(**DEADLY)
    events = train(job)
    assert len(of_epochs(events)) == 3
    finished = events[-1]
    assert finished.message.startswith(f"{HEALTH_STOP}{DEAD}: so in epochs 2 and 3, with a ")
    assert told(events) == [DEAD, finished.message]
    # It is a finished trial with what it measured: its bad score is there to be learnt from.
    assert finished.measurements.skill < 0.1
    assert finished.measurements.inference_seconds > 0
    assert finished.kept_epoch in (1, 2)


def test_a_dead_network_trains_on_where_that_is_wanted(make_job):
    events = train(make_job(**DEADLY, health={**PROBES, "stop": False}))
    assert len(of_epochs(events)) == 6
    assert events[-1].message == ""
    assert told(events) == [DEAD]


def test_a_stop_leaves_the_epochs_before_as_they_were(make_job, tmp_path):
    stopped = train(in_folder(make_job(**DEADLY), tmp_path / "a"))
    whole = train(in_folder(make_job(**DEADLY, health={**PROBES, "stop": False}), tmp_path / "b"))
    assert of_epochs(stopped) == of_epochs(whole)[:3]


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_stop_survives_a_crash(make_job, tmp_path, epoch):
    """After epoch 3 the stop is decided and stored; the next attempt has only to finish."""
    job = make_job(**DEADLY)
    whole = train(in_folder(job, tmp_path / "whole"))
    crash_after(in_folder(job, tmp_path / "crashed"), epoch)
    rest = train(in_folder(job, tmp_path / "crashed", attempt="b", known_epochs=epoch))
    assert rest[-1].message == whole[-1].message
    assert of_epochs(rest) == of_epochs(whole)[epoch:]
    assert_equal_ends(rest, tmp_path / "crashed", whole, tmp_path / "whole")


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 1e-5},  # learns next to nothing, but nothing is broken
        {"learning_rate": 1e-3},
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "activation": "tanh"},  # many units saturate
    ],
)
def test_a_network_that_can_learn_is_never_stopped(make_job, values):
    events = train(make_job(optimizer="adam", epochs=4, **values))
    assert len(of_epochs(events)) == 4
    assert events[-1].message == ""
