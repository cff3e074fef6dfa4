from __future__ import annotations

from hpo_torch.execution.backend import RunSite
from hpo_torch.execution.fallback import FallbackBackend
from hpo_torch.protocol.events import TrialStarted
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch.testing.fault_injection import FaultyCluster

NAMES = ("cloud", "local")


class TestFallbackBackend(BackendSuite):
    """While the primary is well, nobody sees that there is another one."""

    worker_processes = False
    reattaches = True

    def make_backend(self, train_target: str) -> FallbackBackend:
        self.cluster = FaultyCluster(train_target, capacity=2)
        return FallbackBackend(self.cluster.connect(), unwanted, NAMES)

    def restart_backend(self, backend: FallbackBackend) -> FallbackBackend:
        restarted = FallbackBackend(self.cluster.connect(), unwanted, NAMES)
        restarted.start(self.site)
        return restarted


class TestFallenBackend(BackendSuite):
    """Once the primary takes nothing any more, the secondary does it all."""

    worker_processes = False

    def make_backend(self, train_target: str) -> FallbackBackend:
        primary = FaultyCluster(train_target, capacity=2)
        primary.refusal = "the money is used up"
        secondary = FaultyCluster(train_target, capacity=2)
        return FallbackBackend(primary.connect(), secondary.connect, NAMES)


def unwanted():
    raise AssertionError("nobody has failed")


def test_events_of_both_arrive_while_both_train(tmp_path):
    primary = FaultyCluster(FAKE_TARGET, capacity=1)
    secondary = FaultyCluster(FAKE_TARGET, capacity=1)
    backend = FallbackBackend(primary.connect(), secondary.connect, NAMES)
    backend.start(RunSite(folder=tmp_path, warn=print))
    backend.submit(fake_job(0, "wait"))
    primary.refusal = "the money is used up"
    suite = BackendSuite()
    suite.until_started(backend, 1)
    backend.submit(fake_job(1, "wait"))
    assert [job.trial for job in secondary.jobs] == [1]
    assert isinstance(suite.until(backend, TrialStarted, 1)[0], TrialStarted)
    backend.stop(0)
    backend.stop(1)
    assert suite.outcomes(suite.until_finished(backend, 2)) == {0: "stopped", 1: "stopped"}
    backend.close()
