"""The main job, and what it leaves behind."""

from __future__ import annotations

import csv
import json

import pytest
import torch

from hpo_torch.results.event_log import read_events

FAST = ("--min-epochs", "1", "--max-epochs", "3", "--fix", "filters=16", "--fix", "hidden_units=64")
SAME_IN_A_REPEAT = ("number", "state", "score", "val_accuracy", "val_loss", "overall_health")


def table(run):
    with (run / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def comparable(rows):
    """Everything of a trial but how long it took."""
    return [
        {name: value for name, value in row.items() if name in SAME_IN_A_REPEAT or "param_" in name}
        for row in rows
    ]


@pytest.mark.slow
def test_run_leaves_everything_behind(search):
    # Unpruned: importance needs five completed trials, and which are pruned depends on the machine.
    run = search("--trials", "6", "--pruner", "none", "--plots", "best", *FAST)
    for name in (
        "config.yaml",
        "study.journal",
        "events.jsonl",
        "best_hyperparameters.yaml",
        "summary.json",
        "trials.csv",
        "environment.json",
        "best_model/model.ckpt",
        "best_model/labels.json",
        "best_model/hyperparameters.yaml",
        "best_model/test_report.json",
        "best_model/README.md",
        "plots/optimization_history.png",
        "plots/hyperparameter_importance.png",
        "plots/learning_curves.png",
        "plots/confusion_matrix.png",
        "plots/health.png",
        "report.html",
    ):
        assert (run / name).stat().st_size > 0, name
    summary = json.loads((run / "summary.json").read_text())
    rows = table(run)
    assert sum(summary["counts"].values()) == len(rows) == 6
    completed = [row for row in rows if row["state"] == "complete"]
    best = max(completed, key=lambda row: float(row["score"]))
    assert summary["best_trial"] == int(best["number"])
    assert 0.5 < summary["test_accuracy"] <= 1.0
    events = read_events(run / "events.jsonl")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (events[0].kind, events[-1].kind) == ("study_started", "study_finished")
    health = json.loads((run / "trials/0000/health.json").read_text())
    assert health["metrics"].keys() >= {
        "neuron_utilization",
        "gradient_health",
        "training_stability",
        "parameter_efficiency",
        "generalization",
        "calibration",
        "update_ratios",
    }
    assert "robustness" not in health["metrics"]  # costs too much unless somebody wants it


@pytest.mark.slow
def test_config_of_a_run_repeats_it_bit_for_bit(search):
    first = search("--trials", "6", "--seed", "3", *FAST)
    again = search("--config", first / "config.yaml", "--name", "again")
    assert comparable(table(first)) == comparable(table(again))
    weights = [
        torch.load(run / "best_model/model.ckpt", weights_only=True)["state_dict"]
        for run in (first, again)
    ]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_two_jobs_train_all_trials(search):
    run = search("--trials", "4", "--jobs", "2", *FAST)
    assert sorted(int(row["number"]) for row in table(run)) == [0, 1, 2, 3]
    workers = {e.worker for e in read_events(run / "events.jsonl") if e.kind == "trial_started"}
    assert len(workers) == 2


def test_json_prints_the_event_log(hpo_torch, tmp_path):
    result = hpo_torch("optimize", "--json", "--trials", "1", "--name", "x", *FAST)
    assert result.code == 0, result.err
    assert result.out == (tmp_path / "runs/x/events.jsonl").read_text()


def test_plain_output_names_results_and_next_steps(hpo_torch):
    result = hpo_torch("optimize", "--trials", "1", "--name", "x", *FAST)
    assert result.code == 0, result.err
    assert "trial 0: epoch 1/" in result.out
    assert "Test accuracy" in result.out
    assert "hpo-torch show runs/x --trials" in result.out
    shown = hpo_torch("show", "x", "--trials")
    assert "Test accuracy" in shown.out
    listed = json.loads(hpo_torch("runs", "--json").out)
    assert [(row["run"], row["state"]) for row in listed] == [("x", "finished")]


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_real_sets_are_searched_whole(search, test_data_dir, dataset):
    run = search(
        "--dataset", dataset, "--mode", "simple", "--trials", "1", "--epochs", "1",
        "--data-dir", test_data_dir, "--fix", "conv_layers=1", "--fix", "filters=16",
        "--fix", "hidden_units=64", "--fix", "batch_size=256",
    )  # fmt: skip
    report = json.loads((run / "best_model/test_report.json").read_text())
    assert report["examples"] == 10_000
    assert report["accuracy"] > (0.93 if dataset == "mnist" else 0.78)
