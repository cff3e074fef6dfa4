from __future__ import annotations

import json

import pytest

import hpo_torch
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.job_input import JobInput, parse_input
from hpo_torch_runpod.wire import PROTOCOL, REFUSED, WireError


def sent_input(**changes):
    return json.loads(JobInput(submission="s", trials=(fake_job(3),)).model_dump_json()) | changes


def test_input_comes_back_as_it_was_sent():
    job = JobInput(submission="s", trials=(fake_job(0), fake_job(1)), data={"x": 1})
    received = parse_input(json.loads(job.model_dump_json()))
    assert received == job
    assert (received.protocol, received.version) == (PROTOCOL, hpo_torch.__version__)
    assert received.train_target is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protocol": 7}, f"its protocol is 7, this worker's is {PROTOCOL}"),
        ({"version": "0.0.9"}, "its version is '0.0.9'"),
        ({"trials": []}, "trials: Tuple should have at least 1 item"),
        ({"trials": [{"study": "s"}]}, "trials.0.trial: Field required"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_input_that_does_not_fit_is_refused_with_a_reason(changes, words):
    with pytest.raises(WireError) as refused:
        parse_input(sent_input(**changes))
    assert str(refused.value).startswith(REFUSED)
    assert words in str(refused.value)


def test_input_of_another_version_is_refused_before_its_fields_are_looked_at():
    with pytest.raises(WireError, match="hpo-torch runpod deploy"):
        parse_input(sent_input(version="9.9", trials=[{"new": "field"}]))


@pytest.mark.parametrize("raw", [None, [], "text"])
def test_input_that_is_no_object_is_refused(raw):
    with pytest.raises(WireError, match="expected an object as input"):
        parse_input(raw)
