"""Everything that the stand-in can let go wrong, during everything that a backend does."""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest
from fault_matrix import CASES, document
from standin_backend import endpoint, settings

from hpo_torch.execution.backend import RunSite
from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch.testing.runpod_standin import Fault, RunpodStandin
from hpo_torch_runpod import endpoint_client, submission
from hpo_torch_runpod.backend import RunpodBackend
from hpo_torch_runpod.reports import Timings
from hpo_torch_runpod.wire import decode_chunk

TIMINGS = Timings(
    running=0.2, queued=0.2, drain=0.5, settle=3.0, grace=8.0, patience=3.0, silence=5.0
)
RETRIES = 2  # as a study's
# A worker that has sent its first chunk waits, so that its job is seen running.
SLOW = {"place": "chunk", "kind": "hang", "seconds": 1.0}


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    with RunpodStandin() as made:
        volume = tmp_path_factory.mktemp("volume")
        made.add_endpoint(endpoint("ep", volume, workers_max=2, workers_min=2))
        made.add_endpoint(endpoint("empty", volume))
        yield made


@pytest.fixture
def start(standin, monkeypatch, tmp_path):
    """Start a backend for an endpoint with workers; what a test changes of that is undone."""
    for name, value in standin.environment().items():
        monkeypatch.setenv(name, value)
    import runpod

    monkeypatch.setattr(runpod, "endpoint_url_base", os.environ["RUNPOD_ENDPOINT_BASE_URL"])
    monkeypatch.setattr(endpoint_client, "ANSWER_SECONDS", 2.0)
    monkeypatch.setattr(submission, "STARTUP_SECONDS", 10.0)
    made = []

    def start_backend(case):
        waits = case.during == "waiting"
        name = "empty" if waits else "ep"
        chosen = settings(name, queue_timeout=2.0 if waits else 300.0)
        made.append(RunpodBackend(chosen, train_target=FAKE_TARGET, timings=TIMINGS))
        made[-1].start(RunSite(folder=tmp_path, warn=print))
        if not waits:
            standin.wait_for(lambda: any(w.ready and not w.ended for w in standin.workers), 600)
        (hosted,) = [each for each in standin.endpoints if each.id == name]
        for attribute, value in case.endpoint.items():
            monkeypatch.setattr(hosted, attribute, value)
        faults = [Fault(**fault) for fault in case.faults]
        standin.faults.add(*faults, Fault(**SLOW))
        return made[-1], faults

    yield start_backend
    standin.faults.clear()
    for backend in made:
        backend.close()


def run_attempt(backend, job, standin):
    """Run an attempt to its end, and do meanwhile what its behaviour wants; return its events."""
    backend.submit(job)
    events, deadline = [], time.monotonic() + 600
    while not any(isinstance(event, TrainingFinished) for event in events):
        assert time.monotonic() < deadline, f"no end; so far {events}"
        heard = backend.poll(1.0)
        events += heard
        match job.hyperparameters["behaviour"]:
            case "wait" if any(isinstance(event, TrialStarted) for event in heard):
                backend.stop(job.trial)
            case "stall" if job.known_epochs == 0 and first_epoch(heard):
                standin.kill_worker(standin.jobs[-1])
    return events + list(backend.poll(0.5))


def first_epoch(events):
    return 1 in epochs_in(events)


def epochs_in(events):
    return [event.metrics.epoch for event in events if isinstance(event, EpochFinished)]


def trained(jobs):
    """Return how often workers finished each attempt, by the results that RunPod was given."""
    lines = [
        line for job in jobs for chunk in job.output or [] for line in decode_chunk(chunk).lines
    ]
    return Counter(line.attempt for line in lines if isinstance(line, TrainingFinished))


def test_the_documents_table_is_this_one():
    text = (Path(__file__).parents[3] / "docs" / "runpod.md").read_text("utf-8")
    assert document(text) == text, "run: python tests/support/fault_matrix.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_trial_is_accounted_for(standin, start, case):
    backend, faults = start(case)
    known = {job.id for job in standin.jobs}
    row, ends, events = uuid.uuid4().hex[:8], [], []
    for retry in range(1 + RETRIES):
        job = fake_job(0, case.behaviour, epochs=3, attempt=f"{row}-{retry}")
        more = {"study": row, "timeout": 5.0, "known_epochs": len(epochs_in(events))}
        heard = run_attempt(backend, job.model_copy(update=more), standin)
        events += heard
        (end,) = [event for event in heard if isinstance(event, TrainingFinished)]
        assert heard[-1] is end
        ends.append(end)
        if end.failure_kind != "worker_died":
            break
    assert [end.failure_kind or end.outcome for end in ends] == list(case.ends)
    assert case.says in ends[-1].message
    assert epochs_in(events) == sorted(set(epochs_in(events)))
    if case.ends[-1] == "completed":
        assert epochs_in(events) == [1, 2, 3]
    jobs = [job for job in standin.jobs if job.id not in known]
    assert len(jobs) == case.jobs
    assert max(trained(jobs).values(), default=0) <= 1
    assert all(fault.met for fault in faults)
    standin.faults.clear()
    backend.close()
    standin.wait_for(lambda: all(job.final for job in jobs), 60)  # none is left to run, and cost
