"""The conformance suite of execution backends: subclass it and run pytest.

class TestMyBackend(BackendSuite):
    def make_backend(self, train_target):
        return MyBackend(ExecutionSettings(jobs=2), train_target=train_target)

Class attributes say what kind of backend it is; see `backend_harness.BackendHarness`.
"""

# ruff: noqa: D102, PLR2004 - the name of a test says what it tests

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from hpo_torch.protocol.events import EpochFinished, TrainingFinished
from hpo_torch.testing.backend_fault_suite import BackendFaultSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job

if TYPE_CHECKING:
    from hpo_torch.execution.backend import ExecutionBackend


class BackendSuite(BackendFaultSuite):
    """What every backend must do, tested through the `ExecutionBackend` protocol alone."""

    def test_job_streams_its_events_in_order(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(7, epochs=3))
        events = self.until_finished(backend, 1)
        assert [event.kind for event in events] == [
            "trial_started",
            "epoch_finished",
            "epoch_finished",
            "epoch_finished",
            "training_finished",
        ]
        epochs = [event.metrics.epoch for event in events if isinstance(event, EpochFinished)]
        assert epochs == [1, 2, 3]
        assert self.outcomes(events) == {7: "completed"}

    def test_events_carry_trial_and_attempt(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(7))
        events = self.until_finished(backend, 1)
        assert {(event.trial, event.attempt) for event in events} == {(7, "7-attempt")}

    @pytest.mark.parametrize("behaviour", ["complete", "raise", "vanish", "linger", "exit"])
    def test_job_ends_in_exactly_one_training_finished(
        self, backend: ExecutionBackend, behaviour: str
    ) -> None:
        backend.submit(fake_job(0, behaviour))
        events = [*self.until_finished(backend, 1), *self.poll(backend, 0.2)]
        self.only_end(events)

    def test_raising_train_function_gives_failed(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "raise"))
        last = self.until_finished(backend, 1)[-1]
        assert isinstance(last, TrainingFinished)
        assert (last.outcome, last.failure_kind) == ("failed", "user_code")
        assert "raised on purpose" in last.message
        assert "RuntimeError" in last.traceback

    def test_backend_goes_on_after_a_failed_job(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "raise"))
        self.until_finished(backend, 1)
        backend.submit(fake_job(1))
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "completed"}

    def test_stop_ends_a_running_trial_early(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "wait"))
        self.until_started(backend, 1)
        backend.stop(0)
        assert self.outcomes(self.until_finished(backend, 1)) == {0: "stopped"}

    def test_stop_right_after_submit_is_not_lost(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "wait"))
        backend.stop(0)
        assert self.outcomes(self.until_finished(backend, 1)) == {0: "stopped"}

    def test_stop_of_an_ended_trial_leaves_the_next_alone(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0))
        self.until_finished(backend, 1)
        backend.stop(0)
        backend.submit(fake_job(1))
        backend.stop(0)
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "completed"}

    def test_capacity_jobs_run_at_once(self, backend: ExecutionBackend) -> None:
        trials = range(backend.capacity)
        for trial in trials:
            backend.submit(fake_job(trial, "wait"))
        started = self.until_started(backend, backend.capacity)  # none has ended: all run
        assert {event.trial for event in started} == set(trials)
        for trial in trials:
            backend.stop(trial)
        ended = self.until_finished(backend, backend.capacity)
        assert self.outcomes(ended) == dict.fromkeys(trials, "stopped")

    def test_stop_reaches_only_its_trial(self, backend: ExecutionBackend) -> None:
        if backend.capacity == 1:
            pytest.skip("one trial at a time")
        for trial in (0, 1):
            backend.submit(fake_job(trial, "wait"))
        self.until_started(backend, 2)
        backend.stop(1)
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "stopped"}
        assert self.poll(backend, 0.2) == []

    def test_jobs_run_one_after_another(self, backend: ExecutionBackend) -> None:
        jobs = 3 * backend.capacity
        processes = self.processes(backend, jobs)
        assert 1 <= len(processes) <= (backend.capacity if self.reuses_workers else jobs)
        assert (os.getpid() in processes) != self.worker_processes

    def test_poll_waits_as_long_as_told(self, backend: ExecutionBackend) -> None:
        self.processes(backend, jobs=1)  # the workers are up, nothing is left to happen
        begun = time.monotonic()
        assert self.poll(backend, 0.0) == []
        assert time.monotonic() - begun < 0.2
        begun = time.monotonic()
        assert self.poll(backend, 0.3) == []
        assert 0.25 <= time.monotonic() - begun < 2.0

    def test_poll_returns_as_soon_as_something_happens(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "wait"))
        begun = time.monotonic()
        assert backend.poll(2 * self.patience)
        assert time.monotonic() - begun < self.patience

    def test_settled_usage_is_that_of_ended_attempts(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0))
        end = self.only_end(self.until_finished(backend, 1))
        backend.close()
        assert list(backend.settled.values()) == ([] if end.usage is None else [end.usage])

    def test_close_is_idempotent(self, backend: ExecutionBackend) -> None:
        backend.submit(fake_job(0, "wait"))
        backend.close()
        backend.close()

    def test_close_without_start(self) -> None:
        self.make_backend(FAKE_TARGET).close()

    def test_close_ends_running_trials_and_leaves_no_process(
        self, backend: ExecutionBackend
    ) -> None:
        self.only_with_worker_processes()
        processes = self.processes(backend, jobs=backend.capacity)
        backend.submit(fake_job(100, "wait"))
        self.until_started(backend, 1)
        backend.close()
        assert [number for number in processes if _is_alive(number)] == []


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    return True
