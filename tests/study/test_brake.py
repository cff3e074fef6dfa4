from __future__ import annotations

import pytest
from scripted_backend import ScriptedBackend

from hpo_torch.results.records import TIMEOUT


class Waiting(ScriptedBackend):
    """No worker takes trials but the first."""

    def _play(self, job):
        if job.trial == 0:
            yield from super()._play(job)
            return
        while job.trial not in self.stopped:
            yield []
        yield [self._finished(job, "stopped")]


@pytest.mark.parametrize(
    ("reason", "how"), [("interrupted", {"interrupts": (2,)}), (TIMEOUT, {"timeout": 2})]
)
def test_jobs_that_wait_for_a_worker_are_called_back_as_the_study_ends(run_script, reason, how):
    script = [[0.5, 0.6, 0.7, 0.8, 0.9], [0.9], [0.9]]
    interrupts = how.get("interrupts", ())
    backend = Waiting(script, capacity=3, interrupts=interrupts)
    time = {"clock": lambda: float(backend.polls)}
    run = run_script(script, backend=backend, remote=True, **time, timeout=how.get("timeout"))
    assert (run.reason, run.summary.unfinished) == (reason, 3)
    assert backend.stopped == {0, 1, 2}
    resumed = run_script(script, again=True, remote=True)
    assert resumed.states == dict.fromkeys(range(3), "complete")
