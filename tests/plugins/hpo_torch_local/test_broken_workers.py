"""Workers that cannot be started: the others do their work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.execution.backend import RunSite
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_local import processes
from hpo_torch_local.processes import LocalBackend


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Return a function that starts two workers with a training function of this folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))  # workers inherit sys.path
    started = []

    def start_backend(target: str) -> LocalBackend:
        backend = LocalBackend(ExecutionSettings(device="cpu", jobs=2), train_target=target)
        started.append(backend)
        backend.start(RunSite(folder=tmp_path, warn=print))
        return backend

    yield start_backend
    for backend in started:
        backend.close()


@pytest.fixture
def start_half_broken(start, monkeypatch):
    """Start two workers, of which the first ends whenever it is started."""
    real = processes.worker_environment

    def environment(settings, number, *rest):
        return real(settings, number, *rest) | ({"DIES_HERE": "1"} if number == 0 else {})

    monkeypatch.setattr(processes, "worker_environment", environment)
    return lambda: start("stand_in_dying_where_told:train")


def await_one_worker(backend):
    assert backend.capacity == 2
    deadline = time.monotonic() + 60
    while backend.capacity == 2:
        assert time.monotonic() < deadline
        assert list(backend.poll(0.2)) == []


def test_worker_that_cannot_be_started_fails_no_job_while_another_one_works(start_half_broken):
    backend = start_half_broken()
    backend.submit(fake_job(0))  # to the first worker, which dies three times
    backend.submit(fake_job(1))
    events = BackendSuite().until_finished(backend, 2)
    assert BackendSuite().outcomes(events) == {0: "completed", 1: "completed"}
    assert {event.worker for event in events if event.kind == "trial_started"} == {"local-1"}
    assert backend.capacity == 1
    backend.submit(fake_job(2))
    assert BackendSuite().outcomes(BackendSuite().until_finished(backend, 1)) == {2: "completed"}


@pytest.mark.parametrize(
    ("end", "outcome", "kind"),
    [("stop", "stopped", None), ("kill", "failed", "worker_died")],
)
def test_job_that_waits_for_a_worker_can_be_ended(start_half_broken, end, outcome, kind):
    backend = start_half_broken()
    await_one_worker(backend)
    backend.submit(fake_job(0, "wait"))
    backend.submit(fake_job(1, "wait"))
    with pytest.raises(RuntimeError, match="without a free worker"):
        backend.submit(fake_job(2))
    getattr(backend, end)(1)
    (last,) = [e for e in BackendSuite().until_finished(backend, 1) if e.trial == 1]
    assert (last.attempt, last.outcome, last.failure_kind) == ("1-attempt", outcome, kind)
    backend.stop(0)
    assert BackendSuite().outcomes(BackendSuite().until_finished(backend, 1)) == {0: "stopped"}


def test_jobs_fail_once_no_worker_at_all_can_be_started(start):
    backend = start("stand_ins:absent")
    backend.submit(fake_job(0))
    backend.submit(fake_job(1))
    events = BackendSuite().until_finished(backend, 2)
    assert {(e.trial, e.outcome, e.failure_kind) for e in events} == {
        (0, "failed", "backend"),
        (1, "failed", "backend"),
    }
    assert backend.capacity == 2  # for jobs that are told why
