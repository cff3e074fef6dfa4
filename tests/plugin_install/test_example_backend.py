"""The example's execution backend passes the suite that every backend must pass."""

from __future__ import annotations

from hpo_torch_example.subprocess_once import SubprocessOnce

from hpo_torch.testing.backend_suite import BackendSuite


class TestSubprocessOnce(BackendSuite):
    reuses_workers = False  # this backend's point

    def make_backend(self, train_target: str) -> SubprocessOnce:
        return SubprocessOnce(capacity=2, train_target=train_target)
