"""A run goes on after it was moved as one file, and is watched from another process."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import time

import pytest

from hpo_torch.results.summary import RunView

SMALL = [
    *("--dataset", "digits", "--mode", "simple", "--sampler", "random", "--pruner", "none"),
    *("--epochs", "1", "--device", "cpu", "--plots", "none", "--set", "health.probe_size=16"),
    *("--set", "health.gradient_probe_size=16", "--fix", "conv_layers=1", "--fix", "filters=8"),
]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_imported_run_is_the_same_and_goes_on(search, hpo_torch, tmp_path):
    run = search("--name", "x", "--trials", "1", *SMALL)
    assert hpo_torch("export", run, "-o", "x.zip").code == 0
    assert hpo_torch("import", "x.zip", "--output-dir", "elsewhere").code == 0
    moved = tmp_path / "elsewhere" / "x"
    names = [str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()]
    kept = [name for name in names if name != ".engine.lock"]
    assert filecmp.cmpfiles(run, moved, kept, shallow=False)[0] == kept
    first = (moved / "trials/0000/result.json").read_bytes()
    resumed = hpo_torch("resume", moved, "--trials", "2", "--quiet")
    assert resumed.code == 0, resumed.err
    assert RunView.open(moved).counts == {"complete": 2, "pruned": 0, "failed": 0}
    assert (moved / "trials/0000/result.json").read_bytes() == first
    assert sum(RunView.open(run).counts.values()) == 1  # the original was not touched


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_run_is_watched_to_its_end_and_is_not_removed_meanwhile(hpo_torch, tmp_path):
    program = [sys.executable, "-m", "hpo_torch.cli.app", "optimize"]
    working = subprocess.Popen(
        [*program, "--name", "x", "--trials", "2", *SMALL],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (tmp_path / "runs/x/events.jsonl").exists():
            assert working.poll() is None
            time.sleep(0.05)
        assert hpo_torch("rm", "x", "--yes").code == 9
        watched = hpo_torch("watch", "x", "--json")
        assert working.wait(timeout=120) == 0
    finally:
        working.kill()
    assert watched.code == 0, watched.err
    assert watched.out == (tmp_path / "runs/x/events.jsonl").read_text()
    assert '"kind":"study_finished"' in watched.out.splitlines()[-1]
