"""schemathesis, with all of its checks, finds nothing in a live server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from api_app import served_api
from told_run import ToldRun

from hpo_torch_server.states import JobState

CONFIG = Path(__file__).with_name("schemathesis.toml")


def prepare(api):
    """Make jobs of ann's: one that has finished, some that may be removed, one that waits."""
    job = api.job("ann", "finished")
    for state in (JobState.STARTING, JobState.RUNNING, JobState.COMPLETED):
        api.server.jobs.move(job.id, [api.server.jobs.get(job.id).state], state)
    run = ToldRun(api.server.settings.output_dir, "finished", trials=3)
    run.begin()
    for number, state in enumerate(("complete", "pruned", "complete")):
        run.start(number)
        run.epoch(number, 1)
        run.end(number, state, score=0.5 + number / 10)
    run.finish()
    for name in ("plots/optimization_history.png", "report.html", "best_model/model.ckpt"):
        path = run.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"made up")
    for name in ("spare-1", "spare-2", "spare-3"):
        api.job("ann", name)
        api.server.jobs.move(name, [JobState.QUEUED], JobState.STOPPED)
    api.job("ann", "waiting")
    api.server.jobs.move("waiting", [JobState.QUEUED], JobState.PAUSED)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_schemathesis_finds_nothing(tmp_path):
    settings = {"rate_limit": "100000/second", "jobs": 8}
    report = tmp_path / "report.json"
    with served_api(tmp_path / "runs", prepare, **settings) as (api, url):
        (authorization,) = api.key("ann", "read", "run").values()
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", f"{url}/api/v1/openapi.json", "--checks", "all"),
            *("--header", f"Authorization: {authorization}"),
            *("--no-color", "--report-json-path", str(report)),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:20_000] + done.stderr
    found = json.loads(report.read_text())
    assert found["operations"]["tested"] == found["operations"]["total"]
    assert set(found["phases"]) == {"examples", "coverage", "fuzzing", "stateful"}
    assert all(phase["status"] == "success" for phase in found["phases"].values())
    assert found["test_cases"]["generated"] > 10 * found["operations"]["total"]
