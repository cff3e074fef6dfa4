"""A trial of a run, trained again by the real program on real data."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from hpo_torch.training.saved_models import same_weights

FAST = ("--epochs", "2", "--fix", "filters=16", "--fix", "hidden_units=64")


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory, request):
    """A run of two trials, made once; tests copy it."""
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("retrain")
    program = [sys.executable, "-m", "hpo_torch.cli.app", "optimize", "--quiet", "--name", "x"]
    small = ["--trials", "2", "--set", "health.probe_size=64", "--plots", "none", *FAST]
    subprocess.run([*program, *small], cwd=folder, check=True, timeout=240, capture_output=True)
    return folder / "runs/x"


@pytest.fixture
def run(finished_run, tmp_path):
    return shutil.copytree(finished_run, tmp_path / "runs/x")


def epochs(folder):
    with (folder / "epochs.csv").open(newline="") as file:
        timed = ("seconds", "health_seconds")
        return [
            {name: value for name, value in row.items() if name not in timed}
            for row in csv.DictReader(file)
        ]


@pytest.mark.slow
def test_retrain_with_the_same_seed_gives_the_same_numbers_and_weights(hpo_torch, run):
    best = json.loads((run / "summary.json").read_text())["best_trial"]
    result = hpo_torch("retrain", "x", "--trial", best)
    assert result.code == 0, result.err
    (folder,) = (run / "retrained").iterdir()
    original = run / f"trials/{best:04d}"
    assert epochs(folder) == epochs(original)
    assert len(epochs(folder)) == 2
    assert same_weights(folder / "model.ckpt", run / "best_model/model.ckpt")
    health = [json.loads((each / "health.json").read_text()) for each in (folder, original)]
    assert health[0]["overall_health"] == health[1]["overall_health"]
    comparison = json.loads((folder / "comparison.json").read_text())
    assert (comparison["equal"], comparison["weights_equal"]) == (True, True)
    assert comparison["reasons"] == []
    assert "Equal, bit for bit: all figures of 2 epochs, weights too." in result.out
    for name in ("hyperparameters.yaml", "labels.json", "README.md", "result.json"):
        assert (folder / name).stat().st_size > 0, name
    labels = (run / "best_model/labels.json").read_text()
    assert json.loads((folder / "labels.json").read_text()) == json.loads(labels)
    assert not (folder / "test_report.json").exists()
    again = hpo_torch("retrain", "x", "--trial", best)
    assert (again.code, "exists already" in again.err) == (5, True)


@pytest.mark.slow
def test_retrain_with_other_seed_and_epochs_says_why_figures_differ(hpo_torch, run):
    result = hpo_torch(
        "retrain", "x", "--trial", 1, "--seed", 5, "--epochs", 1, "--name", "y", "--output-dir",
        "elsewhere", "--score-test", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert lines[0]["purpose"] == "retraining"
    assert {line["trial"] for line in lines if "trial" in line} == {1}
    last = lines[-1]
    assert (last["kind"], last["folder"]) == ("retrained", "elsewhere/y")
    assert last["comparison"]["equal"] is False
    seed = json.loads((run / "trials/0001/result.json").read_text())["seed"]
    assert last["comparison"]["reasons"][:2] == [
        f"seed: {seed} then, 5 now",
        "epochs: 2 then, 1 now",
    ]
    assert 0 < last["test"]["accuracy"] < 1
    report = json.loads((run.parents[1] / "elsewhere/y/test_report.json").read_text())
    assert report["accuracy"] == last["test"]["accuracy"]


def test_retrain_of_an_unknown_trial_names_the_known_ones(hpo_torch, run):
    result = hpo_torch("retrain", "x", "--trial", 7)
    assert result.code == 2
    assert "run 'x' has no trial 7. Did you mean 1? Known: 0 to 1" in result.err


def test_retrain_of_an_unknown_run_names_the_known_ones(hpo_torch, run):
    result = hpo_torch("retrain", "y", "--trial", 0)
    assert result.code == 2
    assert "unknown run 'y'" in result.err
    assert "Known: x." in result.err


def test_retrain_without_the_data_says_what_is_missing(hpo_torch, run):
    config = run / "config.yaml"
    text = config.read_text().replace("dataset: digits", "dataset: mnist")
    config.write_text(text.replace("download: true", "download: false"))
    result = hpo_torch("retrain", "x", "--trial", 0, "--data-dir", "nowhere")
    assert result.code == 4
    assert "nowhere" in result.err
    assert not (run / "retrained").exists()
