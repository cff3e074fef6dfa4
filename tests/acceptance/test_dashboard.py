"""optuna-dashboard reads the default storage along while eight workers write it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from hpo_torch.results.summary import RunView

TRIALS = 24
SMALL = [
    *("--dataset", "digits", "--mode", "simple", "--sampler", "random", "--pruner", "none"),
    *("--epochs", "1", "--device", "cpu", "--plots", "none", "--set", "health.probe_size=16"),
    *("--set", "health.gradient_probe_size=16", "--fix", "conv_layers=1", "--fix", "filters=8"),
    *("--fix", "kernel_size=3", "--fix", "hidden_layers=1", "--fix", "hidden_units=32"),
    *("--fix", "batch_size=128"),
]


@pytest.fixture
def search(tmp_path):
    """Eight workers at work on a study."""
    command = ["optimize", "--name", "x", "--jobs", "8", "--trials", str(TRIALS), *SMALL]
    process = subprocess.Popen(
        [sys.executable, "-m", "hpo_torch.cli.app", *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    journal = tmp_path / "runs/x/study.journal"
    while not journal.exists():
        assert process.poll() is None, process.communicate()[0]
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def dashboard(search, tmp_path):
    """The address of a dashboard that has the study's journal open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The package is importable wherever it is installed; its program lies beside one interpreter.
    program = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()"]
    process = subprocess.Popen(
        [*program, str(tmp_path / "runs/x/study.journal"), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def get(address):
    """Return the API's answer; None while the dashboard is starting."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_dashboard_reads_along_while_eight_workers_write(search, dashboard, tmp_path):
    seen = []
    while search.poll() is None:
        if (studies := get(f"{dashboard}/api/studies")) and studies["study_summaries"]:
            number = studies["study_summaries"][0]["study_id"]
            trials = get(f"{dashboard}/api/studies/{number}?after=0")["trials"]
            seen.append(sum(trial["state"] == "Complete" for trial in trials))
        time.sleep(0.2)
    assert search.returncode == 0, search.communicate()[0]
    assert seen == sorted(seen)
    assert seen  # it did read along; how often, and from which cache of its own, is its affair
    view = RunView.open(tmp_path / "runs/x")
    assert view.counts == {"complete": TRIALS, "pruned": 0, "failed": 0}
    final = get(f"{dashboard}/api/studies/{number}?after=0")["trials"]
    assert [trial["state"] for trial in final if trial["state"] != "Fail"] == ["Complete"] * TRIALS
