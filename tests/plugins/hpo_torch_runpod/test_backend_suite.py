"""The conformance suite on the stand-in, with the SDK's client and real worker processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

import pytest
from standin_backend import Salted, endpoint, settings

from hpo_torch.protocol.events import TrainingFinished
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch.testing.runpod_standin import RunpodStandin
from hpo_torch_runpod.backend import RunpodBackend
from hpo_torch_runpod.reports import Timings

if TYPE_CHECKING:
    from hpo_torch.execution.backend import ExecutionBackend

# A worker imports torch and Lightning before its first job; a test may need two of them.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# In the suite's own words: a hung trial that was asked to stop says nothing for 0.3 seconds.
TIMINGS = Timings(running=0.2, queued=0.2, drain=1.5)


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    """Workers stay for all tests, as far as the tests let them live."""
    with RunpodStandin() as made:
        volume = tmp_path_factory.mktemp("volume")
        made.add_endpoint(endpoint("ep", volume, workers_max=2, workers_min=2, worker_loss="fail"))
        yield made


class TestRunpodBackend(BackendSuite):
    reattaches: ClassVar[bool] = True
    shared_files: ClassVar[bool] = False
    patience: ClassVar[float] = 240.0

    @pytest.fixture(autouse=True)
    def _environment(self, standin, monkeypatch):
        for name, value in standin.environment().items():
            monkeypatch.setenv(name, value)
        import runpod

        monkeypatch.setattr(runpod, "endpoint_url_base", os.environ["RUNPOD_ENDPOINT_BASE_URL"])

    def test_kill_ends_a_trial_that_holds_the_interpreters_lock(
        self, backend: ExecutionBackend, standin: RunpodStandin
    ) -> None:
        """Unlike the suite's: such a worker sends nothing more, so the job's state has to do."""
        backend.submit(fake_job(0, "freeze"))
        assert not any(isinstance(event, TrainingFinished) for event in self.poll(backend, 0.5))
        standin.wait_for(lambda: standin.jobs[-1].status == "IN_PROGRESS", self.patience)
        self.poll(backend, 1.0)
        backend.kill(0)
        self.assert_worker_died(self.until_finished(backend, 1))
        # It hears of no cancel either. What RunPod does with it is not documented.
        standin.kill_worker(standin.jobs[-1])

    @pytest.mark.parametrize("behaviour", ["die", "kill"])
    def test_lost_worker_fails_its_job_and_is_replaced(
        self, backend: ExecutionBackend, behaviour: str
    ) -> None:
        """Unlike the suite's: the worker's first word may be lost with it."""
        backend.submit(fake_job(0, behaviour))
        events = self.until_finished(backend, 1)
        self.assert_worker_died(events)
        word = {"die": "exit code 3", "kill": "SIGKILL"}[behaviour]
        assert word in self.only_end(events).message
        backend.submit(fake_job(1))
        assert self.outcomes(self.until_finished(backend, 1)) == {1: "completed"}

    def test_close_ends_running_trials_and_leaves_no_process(
        self, backend: ExecutionBackend, standin: RunpodStandin
    ) -> None:
        """Unlike the suite's: workers are the endpoint's, and wait for other jobs."""
        for trial in range(backend.capacity):
            backend.submit(fake_job(trial, "wait"))
        self.until_started(backend, backend.capacity)
        backend.close()
        ended = {job.status for job in standin.jobs[-backend.capacity :]}
        assert ended == {"CANCELLED"}
        assert not any("run on" in warning for warning in self.warnings)

    def make_backend(self, train_target: str) -> ExecutionBackend:
        made = RunpodBackend(settings("ep", jobs=2), train_target=train_target, timings=TIMINGS)
        return Salted(made, self.site.folder.name)

    def restart_backend(self, backend: ExecutionBackend) -> ExecutionBackend:
        restarted = self.make_backend(FAKE_TARGET)
        restarted.start(self.site)
        return restarted
