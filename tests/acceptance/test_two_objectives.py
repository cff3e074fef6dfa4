"""`--mode pareto` and `--mode constrained`, on Fashion-MNIST: all they say follows from trials.csv.

Front, hypervolume and picks are computed here from that table alone, by trying all pairs.
"""

from __future__ import annotations

import csv
import json

import pytest

DELTA = 0.02
SMALL = (
    "--fix", "conv_layers=2", "--fix", "kernel_size=3", "--fix", "batch_size=512",
    "--fix", "global_pooling=false", "--fix", "hidden_layers=1",
    "--set", "search.space.cnn.filters.choices=[16]",
    "--set", "search.space.cnn.hidden_units.choices=[64, 128]",
    "--min-epochs", "1", "--max-epochs", "2", "--plots", "best",
)  # fmt: skip


def completed(run):
    """Read number, objective, health and skill-less accuracy of the trials that completed."""
    with (run / "trials.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["state"] == "complete"]
    points = {
        int(row["number"]): (float(row["val_accuracy"]), float(row["overall_health"] or 0))
        for row in rows
    }
    accuracy, skill = (float(rows[0][name]) for name in ("val_accuracy", "skill"))
    return points, (accuracy - skill) / (1 - skill)  # skill = (A - A0) / (1 - A0)


def beats(one, other):
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def area(points, reference):
    """Add up the strips below the staircase, from the most accurate point to the healthiest."""
    total, reached = 0.0, 0.0
    for accuracy, health in sorted(points, reverse=True):
        if accuracy > reference and health > reached:
            total += (accuracy - reference) * (health - reached)
            reached = health
    return total


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["pareto", "constrained"])
def test_front_and_picks_follow_from_the_table_of_trials(mode, hpo_torch, test_data_dir, tmp_path):
    done = hpo_torch(
        "optimize", "--dataset", "fashion_mnist", "--data-dir", test_data_dir, "--mode", mode,
        "--delta", DELTA, "--trials", "6", "--pruner", "none", "--jobs", "2", "--quiet",
        "--output-dir", "runs", *SMALL, timeout=540,
    )  # fmt: skip
    assert done.code == 0, done.err
    run = tmp_path / done.run
    summary = json.loads((run / "summary.json").read_text())
    points, chance = completed(run)
    assert len(points) == 6

    best = max(accuracy for accuracy, _ in points.values())
    near = {trial: at for trial, at in points.items() if at[0] >= best - DELTA}
    winner = max(near, key=lambda trial: (near[trial][1], near[trial][0], -trial))
    most_accurate = max(points, key=lambda trial: (*points[trial], -trial))
    front = {t for t, at in points.items() if not any(beats(o, at) for o in points.values())}

    told = summary["front"]
    assert {entry["trial"] for entry in told["trials"]} == front
    assert told["hypervolume"] == pytest.approx(area(points.values(), chance), abs=1e-6)
    assert told["reference"] == pytest.approx([chance, 0.0], abs=1e-6)
    assert told["picks"] == {
        "healthiest_within_delta": winner,
        "best_objective": most_accurate,
    }
    assert summary["best_trial"] == winner
    report = json.loads((run / "best_model/test_report.json").read_text())
    assert report["examples"] == 10_000
    assert summary["test_accuracy"] == report["accuracy"] > 0.5
    for trial in front:  # whoever prefers another point of the front has its weights
        assert (run / f"trials/{trial:04}/model.ckpt").exists()
    assert (run / "plots/pareto_front.png").exists()
