"""The example's execution backend passes the suite that every backend must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch_example.subprocess_once import SubprocessOnce

from hpo_torch.testing.backend_suite import BackendSuite

if TYPE_CHECKING:
    from hpo_torch.execution.backend import ExecutionBackend


class TestSubprocessOnce(BackendSuite):
    def make_backend(self, train_target: str) -> SubprocessOnce:
        return SubprocessOnce(capacity=2, train_target=train_target)

    def test_jobs_one_after_another_reuse_workers(self, backend: ExecutionBackend) -> None:
        assert len(self.processes(backend, jobs=3)) == 3  # this backend's point: never reused
