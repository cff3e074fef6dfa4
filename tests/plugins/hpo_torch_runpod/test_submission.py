from __future__ import annotations

from types import SimpleNamespace

import pytest

from hpo_torch import __version__
from hpo_torch.config.schema import DataSettings, ExecutionSettings
from hpo_torch.plugin_api import TRAIN_TARGET
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch_runpod.job_input import parse_input
from hpo_torch_runpod.submission import Submitter, policy

WEEK_MS = 7 * 24 * 3600 * 1000


def settings(jobs=1, **remote):
    return ExecutionSettings(jobs=jobs, remote=remote)


def limited(trial, timeout):
    return fake_job(trial).model_copy(update={"timeout": timeout})


@pytest.mark.parametrize(
    ("timeouts", "jobs", "execution", "ttl"),
    [
        # Seconds: 3600 where there is no limit, else the limit and 300; waits of 300 on top.
        ([None], 1, 3600, 3900),
        ([60.0], 1, 360, 660),
        ([60.0, 60.0], 1, 720, 1020),
        ([60.0], 8, 360, 300 + 8 * 360),
        ([10**9], 1, WEEK_MS / 1000, WEEK_MS / 1000),
    ],
)
def test_jobs_have_time_for_all_their_trials_and_for_their_wait(timeouts, jobs, execution, ttl):
    trials = [limited(number, timeout) for number, timeout in enumerate(timeouts)]
    expected = {"executionTimeout": 1000 * execution, "ttl": 1000 * ttl}
    assert policy(trials, settings(jobs)) == expected


def test_an_input_can_be_read_by_the_worker(tmp_path):
    job = fake_job(3, output_dir=tmp_path).model_copy(
        update={"device": "mps", "data": DataSettings(dir=str(tmp_path), download=False)}
    )
    raw = Submitter(settings(), FAKE_TARGET, lambda _: None).job_input("s", [job, fake_job(4)])
    read = parse_input(raw)
    assert (read.submission, read.version, read.train_target) == ("s", __version__, FAKE_TARGET)
    assert [each.trial for each in read.trials] == [3, 4]
    assert read.weights_of == ("3-attempt",)
    first = read.trials[0]
    assert (first.output_dir, first.device, first.data.dir) == (None, "auto", None)
    assert first.data.download
    assert str(tmp_path) not in str(raw)


def test_the_usual_training_function_is_not_named():
    raw = Submitter(settings(), TRAIN_TARGET, lambda _: None).job_input("s", [fake_job(0)])
    assert parse_input(raw).train_target is None


def test_own_data_travel_with_the_job():
    shipment = SimpleNamespace(model_dump=lambda mode: {"kind": "inline"})
    raw = Submitter(settings(), TRAIN_TARGET, lambda _: shipment).job_input("s", [fake_job(0)])
    assert raw["data"] == {"kind": "inline"}
