"""Ctrl-C, really pressed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView


@pytest.fixture
def running_search(tmp_path):
    """A search that would go on for long, stopped while its second trial trains."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hpo_torch.cli.app",
            "optimize",
            "--json",
            "--trials",
            "50",
            "--epochs",
            "4",
            "--name",
            "x",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == "epoch_finished" and event["trial"] == 1:
            break
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_what_was_found_and_what_was_running(running_search, tmp_path, number):
    running_search.send_signal(number)
    _, err = running_search.communicate(timeout=120)
    assert running_search.returncode == 130
    assert "interrupted; to go on: hpo-torch resume runs/x" in err
    view = RunView.open(tmp_path / "runs/x")
    assert (view.summary.reason, view.summary.unfinished) == ("interrupted", 1)
    assert view.counts == {"complete": 1, "pruned": 0, "failed": 0}
    assert view.best.trial == 0
    assert (tmp_path / "runs/x/best_model/model.ckpt").exists()
    assert (tmp_path / "runs/x/trials/0001/training_state.ckpt").exists()
    assert view.test_report is not None
    assert read_events(tmp_path / "runs/x/events.jsonl")[-1].kind == "study_finished"
