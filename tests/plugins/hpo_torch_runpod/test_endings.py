from __future__ import annotations

import json

import pytest
from trial_words import started

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.endings import why_it_ended, why_it_failed
from hpo_torch_runpod.endpoint_client import JobAnswer
from hpo_torch_runpod.follower import Progress
from hpo_torch_runpod.wire import REFUSED

# As rp_job.py of the SDK's worker writes them.
RAISED = json.dumps(
    {
        "error_type": "<class 'RuntimeError'>",
        "error_message": "no such layer",
        "error_traceback": 'Traceback (most recent call last):\n  File "x"\nRuntimeError: ...',
        "hostname": "h",
    }
)
GENERATOR = "handler: no such layer \ntraceback: Traceback (most recent call last):\n  File ..."


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RAISED, "user_code", "RuntimeError: no such layer"),
        (GENERATOR, "user_code", "no such layer"),
        ("CUDA out of memory. Tried to allocate 2 GiB", "out_of_memory", "CUDA out of memory"),
        ("container killed: OOMKilled", "out_of_memory", "OOMKilled"),
        ("worker exited with exit code 3", "worker_died", "exit code 3"),
        ("", "worker_died", "does not say why"),
        ("{}", "worker_died", "{}"),
        (f"handler: {REFUSED}its version is 1\ntraceback: ...", "backend", "its version is 1"),
    ],
)
def test_an_error_says_whose_fault_it_is(error, kind, message):
    failure = why_it_failed(error)
    assert failure.kind == kind
    assert message in failure.message


def test_a_traceback_is_kept():
    assert why_it_failed(RAISED).details.startswith("Traceback")
    assert "File" in why_it_failed(GENERATOR).details


@pytest.mark.parametrize(
    ("answer", "begun", "kind", "message"),
    [
        (None, True, "worker_died", "no such job any more"),
        (JobAnswer(status="TIMED_OUT"), True, "timeout", "execution time is over"),
        (JobAnswer(status="TIMED_OUT"), False, "worker_died", "before its worker had begun"),
        (JobAnswer(status="CANCELLED"), True, "worker_died", "cancelled by somebody else"),
        (JobAnswer(status="COMPLETED"), True, "worker_died", "result lost"),
        (JobAnswer(status="FAILED", error="x out of memory"), True, "out_of_memory", "x out"),
    ],
)
def test_a_jobs_state_says_how_its_trial_ended(answer, begun, kind, message):
    job = fake_job(0)
    failure = why_it_ended(answer, Progress(job, started=started(job) if begun else None))
    assert failure.kind == kind
    assert message in failure.message
