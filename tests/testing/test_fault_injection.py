from __future__ import annotations

import pytest

from hpo_torch.protocol.events import TrainingFinished
from hpo_torch.testing import fake_training
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, STATE_FILE, fake_job
from hpo_torch.testing.fault_injection import Fault, FaultyBackend, FaultyCluster


class TestFaultyBackend(BackendSuite):
    worker_processes = False
    reattaches = True

    def make_backend(self, train_target: str) -> FaultyBackend:
        return FaultyCluster(train_target, capacity=2).connect()

    def restart_backend(self, backend: FaultyBackend) -> FaultyBackend:
        return backend.cluster.connect()


class TestFaultyBackendThatRepeatsItself(TestFaultyBackend):
    exactly_once = False

    def make_backend(self, train_target: str) -> FaultyBackend:
        fault = Fault(copies=2, delay=0.01)
        return FaultyCluster(train_target, capacity=2, faults=[fault]).connect()


def cluster(*faults: Fault, capacity: int = 1) -> FaultyCluster:
    return FaultyCluster(FAKE_TARGET, capacity=capacity, faults=faults)


def story(events) -> list[str]:
    """Return each event in a word, epochs with their number, after the attempt's."""
    words = []
    for event in events:
        epoch = f" {event.metrics.epoch}" if event.kind == "epoch_finished" else ""
        words.append(f"{event.attempt}: {event.kind}{epoch}")
    return words


def until_finished(backend, jobs=1):
    return BackendSuite().until_finished(backend, jobs)


def test_lost_worker_stores_an_epoch_that_nobody_hears_of(tmp_path):
    backend = cluster(Fault(trial=3, attempt=1, lost_at=2)).connect()
    backend.submit(fake_job(3, attempt="a", epochs=3, output_dir=tmp_path))
    first = until_finished(backend)
    assert story(first) == ["3-a: trial_started", "3-a: epoch_finished 1", "3-a: training_finished"]
    assert (first[-1].outcome, first[-1].failure_kind) == ("failed", "worker_died")
    assert "epoch 2" in first[-1].message
    assert (tmp_path / STATE_FILE).read_text() == '{"epochs": 2}'
    job = fake_job(3, attempt="b", epochs=3, output_dir=tmp_path, known_epochs=1)
    backend.submit(job)
    second = until_finished(backend)
    assert second[0].epochs_done == 2
    assert story(second)[1:] == [
        "3-b: epoch_finished 2",
        "3-b: epoch_finished 3",
        "3-b: training_finished",
    ]


def test_late_events_of_a_lost_worker_come_after_its_successor_has_begun():
    backend = cluster(Fault(attempt=1, lost_at=1, late=True)).connect()
    backend.submit(fake_job(0, attempt="a"))
    assert story(until_finished(backend)) == ["0-a: trial_started", "0-a: training_finished"]
    assert list(backend.poll(0.1)) == []
    backend.submit(fake_job(0, "wait", attempt="b"))
    events = until_finished(backend)  # the late one
    assert sorted(story(events)) == [
        "0-a: epoch_finished 1",
        "0-a: training_finished",
        "0-b: trial_started",
    ]
    backend.stop(0)
    assert story(until_finished(backend)) == ["0-b: training_finished"]


def test_hung_worker_says_its_epoch_and_only_a_kill_ends_it():
    backend = cluster(Fault(hangs_at=1)).connect()
    backend.submit(fake_job(0))
    assert story(BackendSuite().until_started(backend, 1) + list(backend.poll(0.3)))[:2] == [
        "0-attempt: trial_started",
        "0-attempt: epoch_finished 1",
    ]
    backend.stop(0)
    assert list(backend.poll(0.2)) == []
    backend.kill(0)
    (last,) = until_finished(backend)
    assert (last.outcome, last.failure_kind) == ("failed", "worker_died")


def test_deaf_worker_goes_on_after_a_stop():
    backend = cluster(Fault(trial=0, deaf=True), capacity=2).connect()
    for trial in (0, 1):
        backend.submit(fake_job(trial, "wait"))
    BackendSuite().until_started(backend, 2)
    backend.stop(0)
    backend.stop(1)
    assert BackendSuite().outcomes(until_finished(backend)) == {1: "stopped"}
    assert list(backend.poll(0.2)) == []
    backend.close()


def test_copies_arrive_as_often_as_told():
    backend = cluster(Fault(copies=3)).connect()
    backend.submit(fake_job(0, epochs=1))
    assert story(until_finished(backend, 3)) == [
        *["0-attempt: trial_started"] * 3,
        *["0-attempt: epoch_finished 1"] * 3,
        *["0-attempt: training_finished"] * 3,
    ]


def test_delayed_event_is_not_there_before_it_is_due():
    backend = cluster(Fault(delay=0.5)).connect()
    backend.submit(fake_job(0))
    assert list(backend.poll(0.0)) == []
    assert until_finished(backend)[-1].outcome == "completed"


def test_fault_is_the_first_that_fits():
    assert Fault(trial=1).fits(1, 7)
    assert not Fault(trial=1).fits(0, 1)
    assert Fault(attempt=2).fits(0, 2)
    assert not Fault(trial=0, attempt=2).fits(0, 1)
    backend = cluster(Fault(trial=0, lost_at=0), Fault(lost_at=1), capacity=2).connect()
    for trial in (0, 1):
        backend.submit(fake_job(trial))
    messages = {e.trial: e.message for e in until_finished(backend, 2) if hasattr(e, "outcome")}
    assert messages[0].startswith("lost its worker at epoch 0")
    assert messages[1].startswith("lost its worker at epoch 1")


def test_disconnected_backend_reaches_nobody():
    shared = cluster()
    old = shared.connect()
    old.submit(fake_job(0, "wait"))
    new = shared.connect()
    old.stop(0)
    old.kill(0)
    old.close()
    with pytest.raises(ConnectionError, match="cut off"):
        old.poll(0.0)
    assert new.reattach(fake_job(0, "wait")) is True
    BackendSuite().until_started(new, 1)
    assert list(new.poll(0.2)) == []  # nothing has ended it
    new.stop(0)
    assert BackendSuite().outcomes(until_finished(new)) == {0: "stopped"}


def test_reattached_job_tells_everything_from_its_start():
    shared = cluster()
    old = shared.connect()
    old.submit(fake_job(0))
    told = until_finished(old)
    new = shared.connect()
    assert new.reattach(fake_job(0)) is True
    assert until_finished(new) == told


def test_job_of_a_broken_place_has_no_more_to_say(monkeypatch):
    def full_disk(job, emit, stop, *, worker):
        words = {"outcome": "failed", "failure_kind": "backend", "message": "the disk is full"}
        emit(TrainingFinished(trial=job.trial, attempt=job.attempt, **words))

    monkeypatch.setattr(fake_training, "train", full_disk)
    shared = cluster()
    old = shared.connect()
    old.submit(fake_job(0))
    until_finished(old)
    assert shared.connect().reattach(fake_job(0)) is False


def test_submit_beyond_capacity_is_an_error():
    backend = cluster().connect()
    backend.submit(fake_job(0, "wait"))
    with pytest.raises(RuntimeError, match=r"trial 1 while \[0\] are in flight; the capacity is 1"):
        backend.submit(fake_job(1))
    backend.close()


def test_cluster_remembers_what_was_submitted():
    shared = cluster(capacity=2)
    backend = shared.connect()
    for trial in (5, 4):
        backend.submit(fake_job(trial))
    assert [job.trial for job in shared.jobs] == [5, 4]
