from __future__ import annotations

import math
import threading

import pytest
import torch

from hpo_torch.errors import UnknownNameError
from hpo_torch.search.families import search_space
from hpo_torch.training.schedules import build_schedule
from hpo_torch.training.train_trial import train_trial

STEPS = 20


def rates(name, optimizer=None):
    """Return the learning rate of each step, 0.1 being the configuration's."""
    optimizer = optimizer or torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    values = {"schedule": name, "learning_rate": 0.1}
    schedule = build_schedule(values, optimizer, STEPS)
    used = []
    for _ in range(STEPS):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule:
            schedule.step()
    return used


def test_constant_schedule_is_none():
    assert rates("constant") == [0.1] * STEPS


def test_cosine_falls_from_the_rate_to_nothing():
    expected = [0.05 * (1 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]
    assert rates("cosine") == pytest.approx(expected)


def test_one_cycle_rises_for_three_tenths_and_falls_to_nothing():
    used = rates("one_cycle")
    assert used[0] == pytest.approx(0.1 / 25)
    assert used[5] == max(used) == pytest.approx(0.1)  # 0.3 x 20 steps, counted from 0
    assert used[:6] == sorted(used[:6])
    assert used[5:] == sorted(used[5:], reverse=True)
    assert used[-1] == pytest.approx(0.1 / 25 / 1e4)


def test_one_cycle_leaves_momentum_alone():
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.85)
    rates("one_cycle", optimizer)
    assert optimizer.param_groups[0]["momentum"] == 0.85


def test_unknown_schedule_suggests_a_name():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    with pytest.raises(UnknownNameError, match="cosine"):
        build_schedule({"schedule": "cosin", "learning_rate": 0.1}, optimizer, STEPS)


@pytest.mark.parametrize("family", ["cnn", "lstm"])
def test_every_searched_schedule_can_be_built(family):
    shape = {"cnn": (1, 8, 8), "lstm": (9,)}[family]
    space = search_space(family, shape, 1437, 5, 20)
    for name in space.parameter("schedule").domain.options():
        assert len(rates(name)) == STEPS
    assert space.defaults({})["schedule"] == "constant"


@pytest.mark.parametrize(
    ("schedule", "last_step"),
    [
        ("constant", 1.0),
        ("cosine", (1 + math.cos(math.pi * 35 / 36)) / 2),
        ("one_cycle", 1 / 25 / 1e4),
    ],
)
def test_schedule_reaches_the_optimiser(train, monkeypatch, schedule, last_step):
    """1149 examples in batches of 64 are 18 steps an epoch, 36 in both."""
    used = []
    step = torch.optim.AdamW.step

    def spy(self, *args, **kwargs):
        used.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    events = train(epochs=2, schedule=schedule, learning_rate=0.01)
    reported = [e.metrics.learning_rate for e in events if e.kind == "epoch_finished"]
    assert len(used) == 36
    assert max(used) == pytest.approx(0.01, rel=1e-3)  # the peak may lie between two steps
    assert used[-1] == pytest.approx(0.01 * last_step)
    # The rate in use at an epoch's end is that of its last step.
    assert reported == [used[17], used[35]]


def test_schedule_reaches_the_optimiser_of_texts(make_text_job):
    """400 texts in batches of 32 are 13 steps an epoch."""
    events = []
    job = make_text_job(epochs=2, schedule="cosine", learning_rate=0.01)
    train_trial(job, events.append, threading.Event(), worker="w")
    reported = [e.metrics.learning_rate for e in events if e.kind == "epoch_finished"]
    expected = [0.005 * (1 + math.cos(math.pi * step / 26)) for step in (12, 25)]
    assert reported == pytest.approx(expected)
