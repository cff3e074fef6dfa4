"""The worker's program and the SDK's worker loop, in a process of their own."""

from __future__ import annotations

import sys

import pytest
import requests
from runpod_jobs import lines_in, runpod_job

from hpo_torch.testing.fake_training import fake_job
from hpo_torch.testing.runpod_standin import Endpoint, RunpodStandin
from hpo_torch_runpod.wire import REFUSED

COMMAND = [sys.executable, "-u", "-m", "hpo_torch_runpod.worker.main"]
SECONDS = 280.0  # the first job waits for the process's imports


class Client:
    """Posts to the stand-in as any client of RunPod's would."""

    def __init__(self, standin):
        self._standin = standin
        self._told = standin.environment()

    def submit(self, job):
        return self._standin.job(self._post("run", {"input": job["input"]})["id"])

    def cancel(self, job):
        self._post(f"cancel/{job.id}", {})

    def until(self, condition):
        self._standin.wait_for(condition, seconds=SECONDS)

    def _post(self, path, body):
        answer = requests.post(
            f"{self._told['RUNPOD_ENDPOINT_BASE_URL']}/ep/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self._standin.api_key}"},
            verify=self._told["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_worker_process_takes_jobs_stops_them_and_goes_on(tmp_path):
    with RunpodStandin() as standin:
        env = {"HPO_TORCH_VOLUME": str(tmp_path)}
        settings = {"workers_max": 1, "idle_timeout_seconds": 120.0, "poll_seconds": 0.5}
        standin.add_endpoint(Endpoint(id="ep", command=COMMAND, env=env, **settings))
        client = Client(standin)

        waits = client.submit(runpod_job(fake_job(0, "wait")))
        client.until(lambda: waits.chunks)  # it trains
        client.cancel(waits)
        completes = client.submit(runpod_job(fake_job(1), fake_job(2, "raise")))
        client.until(lambda: completes.final)
        assert (waits.status, completes.status) == ("CANCELLED", "COMPLETED")
        assert completes.workers == waits.workers
        last = [line for line in lines_in(completes.output) if line.kind == "training_finished"]
        assert [line.outcome for line in last] == ["completed", "failed"]

        refused = client.submit({"input": {"protocol": 1, "version": "0.0.9"}})
        client.until(lambda: refused.final)
        assert refused.status == "FAILED"
        assert refused.error.startswith(REFUSED)

        again = client.submit(runpod_job(fake_job(1)))
        client.until(lambda: again.final)
        (claimed,) = lines_in(again.output)
        assert (claimed.kind, claimed.by) == ("claimed", completes.id)
        assert len(standin.workers) == 1
