"""The part of `backend_suite` in which things go wrong: kills, crashes, late readers, restarts."""

# ruff: noqa: D102 - the name of a test says what it tests

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from hpo_torch.protocol.events import EpochFinished, HealthAlert, TrialStarted
from hpo_torch.testing.backend_harness import BackendHarness
from hpo_torch.testing.fake_training import FLOOD_ALERTS, fake_job

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob


class BackendFaultSuite(BackendHarness):
    """Hung trials, lost workers, late readers, and an engine that is started again."""

    def test_kill_ends_a_hung_trial(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "hang"))
        self.until_started(backend, 1)
        backend.stop(0)
        assert self.poll(backend, 0.3) == []
        backend.kill(0)
        self.assert_worker_died(self.until_finished(backend, 1))

    def test_kill_ends_a_trial_that_holds_the_interpreters_lock(
        self, backend: ExecutionBackend
    ) -> None:
        self.only_with_worker_processes()
        backend.submit(fake_job(0, "freeze"))
        self.until(backend, HealthAlert, 1)
        backend.kill(0)
        self.assert_worker_died(self.until_finished(backend, 1))

    def test_all_workers_are_there_after_a_kill(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "hang"))
        self.until_started(backend, 1)
        backend.kill(0)
        self.until_finished(backend, 1)
        trials = range(1, 1 + backend.capacity)
        for trial in trials:
            backend.submit(fake_job(trial, "wait"))
        self.until_started(backend, backend.capacity)  # none has ended: all run
        for trial in trials:
            backend.stop(trial)
        ended = self.until_finished(backend, backend.capacity)
        assert self.outcomes(ended) == dict.fromkeys(trials, "stopped")

    def test_kill_reaches_only_its_trial(self, backend: ExecutionBackend) -> None:
        if backend.capacity == 1:
            pytest.skip("one trial at a time")
        for trial in (0, 1):
            backend.submit(fake_job(trial, "wait"))
        self.until_started(backend, 2)
        backend.kill(0)
        assert self.outcomes(self.until_finished(backend, 1)) == {0: "failed"}
        backend.stop(1)
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "stopped"}

    def test_kill_right_after_submit_is_not_lost(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "hang"))
        backend.kill(0)
        self.assert_worker_died(self.until_finished(backend, 1))

    def test_kill_of_an_ended_trial_leaves_the_next_alone(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0))
        self.until_finished(backend, 1)
        backend.kill(0)
        backend.submit(fake_job(1))
        backend.kill(0)
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "completed"}

    def test_kill_of_a_trial_that_may_have_ended_gives_one_end(
        self, backend: ExecutionBackend
    ) -> None:
        backend.submit(fake_job(0))
        events = self.until_started(backend, 1)
        backend.kill(0)
        if not self.outcomes(events):
            events += self.until_finished(backend, 1)
        events += self.poll(backend, 0.2)
        assert self.only_end(events).trial == 0

    def test_nothing_of_a_killed_attempt_arrives_after_its_end(
        self, backend: ExecutionBackend
    ) -> None:
        backend.submit(fake_job(0, "wait", attempt="first"))
        self.until_started(backend, 1)
        backend.kill(0)
        self.until_finished(backend, 1)
        backend.submit(fake_job(0, attempt="second"))
        events = [*self.until_finished(backend, 1), *self.poll(backend, 0.2)]
        assert {event.attempt for event in events} == {"0-second"}
        assert self.only_end(events).outcome == "completed"

    @pytest.mark.parametrize("behaviour", ["die", "kill"])
    def test_lost_worker_fails_its_job_and_is_replaced(
        self, backend: ExecutionBackend, behaviour: str
    ) -> None:
        self.only_with_worker_processes()
        backend.submit(fake_job(0, behaviour))
        events = self.until_finished(backend, 1)
        assert [event.kind for event in events] == ["trial_started", "training_finished"]
        self.assert_worker_died(events)
        word = {"die": "exit code 3", "kill": "SIGKILL"}[behaviour]
        assert word in self.only_end(events).message
        backend.submit(fake_job(1))
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "completed"}

    def test_training_state_survives_a_lost_worker(
        self, backend: ExecutionBackend, tmp_path: Path
    ) -> None:
        self.only_with_shared_files()
        backend.submit(fake_job(0, "stall", epochs=3, attempt="first", output_dir=tmp_path))
        self.until(backend, EpochFinished, 1)
        backend.kill(0)
        self.assert_worker_died(self.until_finished(backend, 1))
        job = fake_job(0, "stall", epochs=3, attempt="second", output_dir=tmp_path, known_epochs=1)
        backend.submit(job)
        events = self.until_finished(backend, 1)
        (started,) = [event for event in events if isinstance(event, TrialStarted)]
        assert started.epochs_done == 1
        assert [e.metrics.epoch for e in events if isinstance(e, EpochFinished)] == [2, 3]
        assert self.only_end(events).outcome == "completed"

    def test_late_reader_slows_no_training_and_misses_nothing(
        self, backend: ExecutionBackend, tmp_path: Path
    ) -> None:
        self.only_with_shared_files()
        backend.submit(fake_job(0, "flood", output_dir=tmp_path))
        self.until_started(backend, 1)
        (tmp_path / "go").touch()
        deadline = time.monotonic() + self.patience
        while not (tmp_path / "flooded").exists():  # nobody reads meanwhile
            assert time.monotonic() < deadline, "the training waits for a reader"
            time.sleep(0.01)
        events = self.until_finished(backend, 1)
        epochs = [event.epoch for event in events if isinstance(event, HealthAlert)]
        assert epochs == list(range(1, FLOOD_ALERTS + 1))
        assert self.only_end(events).outcome == "completed"

    def test_reattach_of_an_unknown_job_is_false(self, backend: ExecutionBackend) -> None:
        assert backend.reattach(fake_job(0, attempt="never-submitted")) is False
        assert self.poll(backend, 0.2) == []

    def test_restarted_backend_finds_a_running_job(self, backend: ExecutionBackend) -> None:
        restarted, job = self.restart_with(backend, "wait")
        assert restarted.reattach(job) is True
        restarted.stop(job.trial)
        events = self.until_finished(restarted, 1)
        assert isinstance(events[0], TrialStarted)
        assert {event.attempt for event in events} == {job.attempt}
        assert self.only_end(events).outcome == "stopped"
        restarted.close()

    def test_restarted_backend_finds_a_job_that_has_ended_meanwhile(
        self, backend: ExecutionBackend
    ) -> None:
        restarted, job = self.restart_with(backend, "complete")
        assert restarted.reattach(job) is True
        events = self.until_finished(restarted, 1)
        assert [e.metrics.epoch for e in events if isinstance(e, EpochFinished)] == [1, 2]
        assert self.only_end(events).outcome == "completed"
        restarted.close()

    def test_restarted_backend_can_kill_what_it_found(self, backend: ExecutionBackend) -> None:
        restarted, job = self.restart_with(backend, "hang")
        assert restarted.reattach(job) is True
        restarted.kill(job.trial)
        self.assert_worker_died(self.until_finished(restarted, 1))
        restarted.close()

    def restart_with(
        self, backend: ExecutionBackend, behaviour: str
    ) -> tuple[ExecutionBackend, TrialJob]:
        """Submit a job, wait until it runs, and return the restarted backend and the job."""
        if not self.reattaches:
            pytest.skip("this backend's jobs end with the process that submitted them")
        job = fake_job(0, behaviour)
        backend.submit(job)
        self.until_started(backend, 1)
        self.forget_events()  # what the killed process had read is told again
        return self.restart_backend(backend), job

    def assert_worker_died(self, events: list[BackendEvent]) -> None:
        """Check that the last event is the only end, a failure of the worker."""
        end = self.only_end(events)
        assert (end.outcome, end.failure_kind) == ("failed", "worker_died")
