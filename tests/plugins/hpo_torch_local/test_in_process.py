from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import InvalidValueError
from hpo_torch.execution.backend import RunSite
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch_local.in_process import InProcessBackend


class TestInProcessBackend(BackendSuite):
    worker_processes = False

    def make_backend(self, train_target: str) -> InProcessBackend:
        return InProcessBackend(ExecutionSettings(device="cpu"), train_target=train_target)

    def test_close_ends_the_thread(self, backend: InProcessBackend) -> None:
        backend.submit(fake_job(3, "wait"))
        self.until_started(backend, 1)
        assert "trial-3" in {thread.name for thread in threading.enumerate()}
        backend.close()
        assert "trial-3" not in {thread.name for thread in threading.enumerate()}

    def test_target_that_cannot_be_imported_fails_the_job(self) -> None:
        backend = self.make_backend(f"{FAKE_TARGET}_absent")
        backend.start(self.site)
        backend.submit(fake_job(0))
        (last,) = self.until_finished(backend, 1)
        assert (last.outcome, last.failure_kind) == ("failed", "backend")
        assert "train_absent" in last.message
        backend.close()


def test_given_up_trial_is_dropped_whatever_its_thread_still_says(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import stand_ins

    backend = InProcessBackend(
        ExecutionSettings(device="cpu"), train_target="stand_ins:deaf_until_released"
    )
    suite = BackendSuite()
    backend.start(RunSite(folder=tmp_path, warn=print))
    backend.submit(fake_job(77, attempt="hung"))
    assert [event.kind for event in backend.poll(30.0)] == ["epoch_finished"]
    backend.kill(77)
    (given_up,) = backend.poll(0.0)
    assert (given_up.outcome, given_up.failure_kind) == ("failed", "worker_died")
    assert given_up.message == "given up: a thread cannot be killed"
    (hung,) = [thread for thread in threading.enumerate() if thread.name == "trial-77"]
    backend.submit(fake_job(1, attempt="next"))  # trains beside the one given up
    assert [event.kind for event in backend.poll(30.0)] == ["epoch_finished"]
    stand_ins.RELEASE.set()
    hung.join(30.0)
    assert not hung.is_alive()
    events = suite.until_finished(backend, 1)
    assert {event.attempt for event in events} == {"1-next"}
    assert list(backend.poll(0.1)) == []
    backend.close()


def test_in_process_backend_finds_no_earlier_job():
    backend = InProcessBackend(ExecutionSettings(device="cpu"), train_target=FAKE_TARGET)
    backend.submit(fake_job(0))
    assert backend.reattach(fake_job(0)) is False
    BackendSuite().until_finished(backend, 1)


def test_in_process_backend_refuses_several_jobs():
    with pytest.raises(InvalidValueError, match=r"jobs: expected 1 .* got 2"):
        InProcessBackend(ExecutionSettings(device="cpu", jobs=2))
