from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import InvalidValueError
from hpo_torch.execution.backend import RunSite
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch_local import processes, slot
from hpo_torch_local.devices import cpu_threads
from hpo_torch_local.processes import LocalBackend
from hpo_torch_local.worker_process import WorkerProcess

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


class TestLocalBackend(BackendSuite):
    def make_backend(self, train_target: str) -> LocalBackend:
        return LocalBackend(ExecutionSettings(device="cpu", jobs=2), train_target=train_target)


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Return a function that starts a backend with a training function of this folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))  # workers inherit sys.path
    started = []

    def start_backend(target: str, **settings) -> LocalBackend:
        settings = ExecutionSettings(**{"device": "cpu", "jobs": 1, **settings})
        started.append(LocalBackend(settings, train_target=target))
        started[-1].start(RunSite(folder=tmp_path, warn=print))
        return started[-1]

    yield start_backend
    for backend in started:
        backend.close()


def last_words(backend, count=1):
    """Return the next `count` TrainingFinished."""
    events = BackendSuite().until_finished(backend, count)
    return [event for event in events if event.kind == "training_finished"]


def process_of(backend):
    """Return the process of the first worker."""
    return backend._slots[0]._worker._process


def facts_of(backend, job):
    backend.submit(job)
    return json.loads(last_words(backend)[0].message)


@posix
def test_worker_that_dies_idle_is_replaced_silently(start):
    backend = start(FAKE_TARGET)
    (first,) = BackendSuite().processes(backend, jobs=1)
    os.kill(first, signal.SIGKILL)
    assert list(backend.poll(0.2)) == []
    (second,) = BackendSuite().processes(backend, jobs=1)
    assert second != first


@posix
def test_job_given_to_a_worker_already_dead_goes_to_its_replacement(start):
    backend = start(FAKE_TARGET)
    (first,) = BackendSuite().processes(backend, jobs=1)
    os.kill(first, signal.SIGKILL)
    process_of(backend).join()
    (second,) = BackendSuite().processes(backend, jobs=1)
    assert second != first


def test_death_while_importing_costs_no_trial(start, monkeypatch, tmp_path):
    monkeypatch.setenv("DYING_ONCE_MARKER", str(tmp_path / "marker"))
    backend = start("stand_in_dying_once:report_process")
    assert facts_of(backend, fake_job(0))["worker"] == "local-0"
    assert (tmp_path / "marker").exists()


def test_target_that_cannot_be_imported_fails_jobs_after_three_starts(start, monkeypatch):
    starts = []
    monkeypatch.setattr(
        slot, "WorkerProcess", lambda setup: starts.append(setup) or WorkerProcess(setup)
    )
    backend = start("stand_ins:absent")
    backend.submit(fake_job(0))
    (first,) = last_words(backend)
    backend.submit(fake_job(1))
    (second,) = backend.poll(0.0)
    assert len(starts) == 3
    for trial, event in enumerate((first, second)):
        assert (event.trial, event.outcome, event.failure_kind) == (trial, "failed", "backend")
        assert "in 3 attempts; worker local-0" in event.message
        assert "exit code 1" in event.message
        assert "AttributeError: module 'stand_ins' has no attribute 'absent'" in event.message


def test_stop_before_the_worker_is_ready_needs_no_worker(start):
    backend = start(FAKE_TARGET)
    backend.submit(fake_job(0, "wait"))
    backend.stop(0)
    (event,) = backend.poll(0.0)
    assert (event.kind, event.outcome, event.trial) == ("training_finished", "stopped", 0)


def test_submit_beyond_capacity_is_an_error(start):
    backend = start(FAKE_TARGET)
    backend.submit(fake_job(0, "wait"))
    with pytest.raises(RuntimeError, match="without a free worker; 1 started"):
        backend.submit(fake_job(1))


@posix
def test_output_goes_to_the_failure_and_not_to_the_terminal(start, capfd):
    backend = start("stand_ins:print_and_die")
    backend.submit(fake_job(0))
    (event,) = last_words(backend)
    backend.close()
    assert "was killed by SIGABRT" in event.message
    assert event.failure_kind == "worker_died"
    assert "said by Python\nsaid by C\n" in event.traceback
    assert "Fatal Python error: Aborted" in event.traceback
    assert capfd.readouterr() == ("", "")


def test_nan_arrives_as_nan(start):
    backend = start("stand_ins:nan_loss")
    backend.submit(fake_job(0))
    epoch, last = BackendSuite().until_finished(backend, 1)
    assert math.isnan(epoch.so_far.val_loss)
    assert last.outcome == "completed"


def test_unreadable_report_fails_its_trial_and_not_poll(start):
    backend = start("stand_ins:unreadable_report")
    backend.submit(fake_job(0))
    (event,) = BackendSuite().until_finished(backend, 1)
    assert (event.outcome, event.failure_kind) == ("failed", "user_code")
    assert event.message.startswith("ValidationError")


def test_worker_environment_is_set_in_the_worker_only(start):
    before = dict(os.environ)
    facts = facts_of(start("stand_ins:report_process", jobs=2), fake_job(0))
    threads = str(cpu_threads(2))
    assert facts["environment"]["OMP_NUM_THREADS"] == threads
    assert facts["environment"]["MKL_NUM_THREADS"] == threads
    assert dict(os.environ) == before
    assert facts["torch"] is False


def test_torch_gets_the_workers_share_of_the_cores(start):
    facts = facts_of(start("stand_in_with_torch:report_process", jobs=2), fake_job(0))
    assert facts["torch"] is True
    assert facts["threads"] == cpu_threads(2)


def test_workers_take_cuda_devices_in_turn(start, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(processes, "check_device", lambda settings: 2)
    backend = start("stand_ins:report_process", jobs=3, device="cuda", oversubscribe=True)
    for trial in range(3):
        backend.submit(fake_job(trial).model_copy(update={"device": "cuda"}))
    facts = [json.loads(event.message) for event in last_words(backend, 3)]
    seen = {fact["worker"]: fact["environment"]["CUDA_VISIBLE_DEVICES"] for fact in facts}
    assert seen == {"local-0": "0", "local-1": "1", "local-2": "0"}
    assert {fact["device"] for fact in facts} == {"cuda:0"}


@posix
def test_interrupts_do_not_reach_workers(start):
    backend = start(FAKE_TARGET)
    process = process_of(backend).pid
    os.kill(process, signal.SIGINT)  # it has only just been launched
    backend.submit(fake_job(0, "wait"))
    BackendSuite().until_started(backend, 1)
    os.kill(process, signal.SIGINT)
    backend.stop(0)
    (event,) = last_words(backend)
    assert (event.outcome, event.message) == ("stopped", str(process))


@posix
def test_close_kills_what_ignores_everything_else(start, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr("hpo_torch_local.worker_process._TERMINATE_SECONDS", 0.2)
    backend = start("stand_ins:ignore_everything")
    backend.submit(fake_job(0))
    assert [event.kind for event in backend.poll(30.0)] == ["epoch_finished"]
    process = process_of(backend).pid
    begun = time.monotonic()
    backend.close()
    assert 0.4 <= time.monotonic() - begun < 5.0
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_kill_names_the_study_as_the_cause(start):
    backend = start(FAKE_TARGET)
    backend.submit(fake_job(0, "hang"))
    BackendSuite().until_started(backend, 1)
    pid = process_of(backend).pid
    backend.kill(0)
    (event,) = last_words(backend)
    assert event.message == f"worker local-0 (process {pid}) was killed, as the study asked"
    assert process_of(backend).pid != pid


@posix
def test_kill_before_the_worker_is_ready_ends_the_worker_too(start):
    backend = start(FAKE_TARGET)
    first = process_of(backend).pid
    backend.submit(fake_job(0, "hang"))
    backend.kill(0)
    (event,) = backend.poll(30.0)
    assert (event.outcome, event.failure_kind) == ("failed", "worker_died")
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert BackendSuite().processes(backend, jobs=1) == {process_of(backend).pid}


def hand_over(backend, job):
    """Submit a job, and return as soon as a report waits in the pipe of its ready worker."""
    backend.submit(job)
    connection = backend._slots[0]._worker._connection
    assert connection.poll(30.0)  # the worker is ready
    assert backend.poll(0.0) == []
    assert connection.poll(30.0)


def test_last_word_before_a_kill_counts(start):
    backend = start("stand_ins:finish_and_hang")
    hand_over(backend, fake_job(0))
    backend.kill(0)
    (event,) = backend.poll(30.0)
    assert (event.outcome, event.message) == ("completed", "the last word")


@posix
def test_everything_said_before_an_uncaught_exception_arrives(start):
    backend = start("stand_ins:interrupted_with_a_backlog")
    hand_over(backend, fake_job(0))
    process_of(backend).join(0.5)  # its last step; it waits for a reader
    events = BackendSuite().until_finished(backend, 1)
    assert [event.kind for event in events] == ["epoch_finished"] * 200 + ["training_finished"]
    assert (events[-1].failure_kind, events[-1].message.endswith("exit code 1")) == (
        "worker_died",
        True,
    )
    assert "KeyboardInterrupt" in events[-1].traceback


def test_more_jobs_than_cuda_devices_are_refused_unless_asked_for(start, monkeypatch):
    monkeypatch.setattr(processes, "check_device", lambda settings: 2)
    with pytest.raises(InvalidValueError, match="'--jobs 2', or '--oversubscribe'"):
        LocalBackend(ExecutionSettings(device="cuda", jobs=3))
    assert LocalBackend(ExecutionSettings(device="cuda", jobs=3, oversubscribe=True)).capacity == 3


@linux
def test_close_frees_every_descriptor_and_file(start):
    descriptors, folders = [], []
    for _ in range(3):
        backend = start(FAKE_TARGET, jobs=2)
        folders.append(Path(backend._logs.name))
        BackendSuite().processes(backend, jobs=2)
        backend.close()
        descriptors.append(len(list(Path("/proc/self/fd").iterdir())))
    assert len(set(descriptors)) == 1  # the first round also starts multiprocessing's tracker
    assert not any(folder.exists() for folder in folders)
