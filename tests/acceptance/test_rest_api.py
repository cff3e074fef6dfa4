"""docs/api.md is a script that works: start, watch, stop, resume, list and fetch, with curl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpo_torch.results.summary import RunView

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def api(tmp_path):
    """The URL of a server in a process of its own."""
    command = [sys.executable, "-m", "hpo_torch.cli.app", "serve", "--port", "0"]
    said = tmp_path / "server.log"
    with said.open("w") as log, subprocess.Popen(command, cwd=tmp_path, stderr=log) as serving:
        try:
            while not (found := re.search(r"http://\S+/api/v1", said.read_text("utf-8"))):
                assert serving.poll() is None, said.read_text("utf-8")
                time.sleep(0.1)
            yield found[0]
        finally:
            serving.terminate()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_tour_of_the_documentation(api, hpo_torch, tmp_path):
    blocks = re.findall(r"```bash\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    script = "set -eu\n" + "\necho\necho ----\n".join(blocks)
    toured = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"API": api},
        capture_output=True,
        text=True,
        check=False,
    )
    assert toured.returncode == 0, toured.stdout + toured.stderr
    said = [part.strip() for part in toured.stdout.split("\n----\n")]
    health, job, trial, third, stopped, completed, found, _ = said
    assert json.loads(health)["status"] == "healthy"
    assert json.loads(job)["job_id"] == "tour"
    assert (trial, third) == ("event: trial_finished", "id: 3")
    assert '{"state": "stopped"}' in stopped
    assert '{"state": "completed"}' in completed
    trials = json.JSONDecoder().raw_decode(found)[0]["items"]
    scores = [row["score"] for row in trials]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)

    assert hpo_torch("import", "tour.zip", "--output-dir", "home").code == 0
    view = RunView.open(tmp_path / "home" / "tour")
    assert sum(view.counts.values()) == 6
    lines = view.directory.events.read_text("utf-8").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [*range(1, len(lines) + 1)]
