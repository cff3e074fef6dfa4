from __future__ import annotations

import threading

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import InvalidValueError
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
        backend.start()
        backend.submit(fake_job(0))
        (last,) = self.until_finished(backend, 1)
        assert (last.outcome, last.failure_kind) == ("failed", "backend")
        assert "train_absent" in last.message
        backend.close()


def test_in_process_backend_refuses_several_jobs():
    with pytest.raises(InvalidValueError, match=r"jobs: expected 1 .* got 2"):
        InProcessBackend(ExecutionSettings(device="cpu", jobs=2))
