"""Studies of objective and health: front, picks and weights, recomputed from what is on disk."""

from __future__ import annotations

import csv
import itertools
import json
import random

import optuna
import pytest
import yaml

from hpo_torch.errors import InvalidValueError
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.epoch_values import values_after

TWO = ["constrained", "pareto"]
FREE = {"pruner": "none", "delta": 0.01}


def script_of(*pairs):
    """Two epochs a trial, of which the second counts."""
    return [[(0.1, 0.1), pair] for pair in pairs]


def rows_of(run):
    with run.run.trials_table.open() as file:
        return list(csv.DictReader(file))


def brute_force(rows, delta):
    """Front, hypervolume above (A0, 0) and picks by their definitions alone, from trials.csv."""
    completed = {
        int(row["number"]): (float(row["score"]), float(row["overall_health"] or 0.0))
        for row in rows
        if row["state"] == "complete"
    }
    front = {
        n
        for n, (o, h) in completed.items()
        if not any(p >= o and q >= h and (p, q) != (o, h) for p, q in completed.values())
    }
    levels = [
        (float(r["val_accuracy"]) - float(r["skill"])) / (1 - float(r["skill"]))
        for r in rows
        if r["skill"] and 0.0 < float(r["skill"]) < 1.0
    ]
    chance = sum(levels) / len(levels) if levels else 0.0
    # The area by columns between neighbouring objectives, as high as the healthiest from there.
    edges = sorted({chance, *(o for o, _ in completed.values() if o > chance)})
    area = sum(
        (right - left) * max(h for o, h in completed.values() if o >= right)
        for left, right in itertools.pairwise(edges)
    )
    best = max(o for o, _ in completed.values())
    within = [n for n, (o, _) in completed.items() if round(o - best + delta, 9) >= 0]
    healthiest = min(within, key=lambda n: (-completed[n][1], -completed[n][0], n))
    accurate = min(completed, key=lambda n: (-completed[n][0], -completed[n][1], n))
    return front, area, healthiest, accurate


def check(run, delta):
    front, area, healthiest, accurate = brute_force(rows_of(run), delta)
    said = run.summary.front
    assert {entry.trial for entry in said.trials} == front
    assert said.hypervolume == pytest.approx(area)
    assert (said.picks.healthiest_within_delta, said.picks.best_objective) == (healthiest, accurate)
    assert run.summary.best_trial == healthiest
    assert run.run.best_checkpoint.read_text() == f"weights of trial {healthiest}"
    assert run.run.holds_best_model(run.results[healthiest])
    kept = {int(path.parent.name) for path in run.run.path.glob("trials/*/model.ckpt")}
    assert kept == front
    assert not list(run.run.path.glob("trials/*/training_state.ckpt"))


def random_script(seed):
    """Coarse values with ties; health unknown, trials that fail, diverge, and are pruned."""
    rng = random.Random(seed)
    trials = []
    for _ in range(14):
        pairs = [
            (rng.randrange(80, 90) / 100, rng.choice([None, *(n / 5 for n in range(6))]))
            for _ in range(3)
        ]
        ending = rng.choice([[], [], [], ["diverged"], ["user_code"]])
        trials.append(pairs[: 1 if ending else 3] + ending)
    return [[(0.85, 0.5)] * 3, *trials]


@pytest.mark.parametrize("mode", TWO)
@pytest.mark.parametrize("seed", range(4))
def test_front_hypervolume_and_picks_follow_from_the_table(mode, seed, run_script):
    run = run_script(random_script(seed), mode=mode, delta=0.02, max_failures=99, fix={"epochs": 5})
    assert len(set(run.states.values())) == 3  # complete, pruned (median) and failed
    check(run, 0.02)


def test_winner_is_the_healthiest_within_delta_and_both_picks_weights_are_kept(run_script):
    script = script_of((0.90, 0.2), (0.895, 0.6), (0.88, 0.9), (0.85, 0.8))
    run = run_script(script, mode="constrained", **FREE)
    assert run.summary.best_trial == 1
    assert run.summary.best_score == 0.895
    assert run.summary.front.model_dump() == {
        "trials": [
            {"trial": 0, "objective": 0.90, "health": 0.2},
            {"trial": 1, "objective": 0.895, "health": 0.6},
            {"trial": 2, "objective": 0.88, "health": 0.9},
        ],
        "reference": (0.0, 0.0),  # in these scripts skill is the accuracy, so that A0 is 0
        # 0.9 x 0.2 + 0.895 x 0.4 + 0.88 x 0.3
        "hypervolume": pytest.approx(0.802),
        "delta": 0.01,
        "picks": {"healthiest_within_delta": 1, "best_objective": 0},
    }
    check(run, 0.01)
    best = yaml.safe_load(run.run.best_hyperparameters.read_text())
    assert (best["trial"], best["best_value"], best["overall_health"]) == (1, 0.895, 0.6)
    assert (best["delta"], best["health_weight"]) == (0.01, None)


@pytest.mark.parametrize("mode", TWO)
def test_an_earlier_trial_may_become_the_winner(mode, run_script):
    """Trial 0 leads, until 2 is more than delta above it; within delta of 2 is trial 1."""
    script = script_of((0.90, 0.9), (0.905, 0.5), (0.912, 0.1), (0.91, 0.4))
    run = run_script(script, mode=mode, **FREE)
    ends = [event for event in run.events if event.kind == "trial_finished"]
    assert [(event.leader, event.best) for event in ends] == [
        (0, True),
        (0, False),
        (1, False),
        (1, False),
    ]
    check(run, 0.01)


def test_weights_of_dominated_trials_go_when_they_are_beaten(run_script, tmp_path):
    kept = []
    script = script_of((0.5, 0.5), (0.6, 0.4), (0.7, 0.6), (0.2, 0.2), (0.7, 0.6))

    def look(events):
        if any(event.kind == "trial_started" for event in events):
            folder = tmp_path / "run"
            kept.append(sorted(int(p.parent.name) for p in folder.glob("trials/*/model.ckpt")))
        return events

    run = run_script(script, mode="pareto", mangle=look, **FREE)
    assert kept == [[], [0], [0, 1], [2], [2]]
    check(run, 0.01)
    assert {entry.trial for entry in run.summary.front.trials} == {2, 4}  # equals are all there


def test_optuna_is_told_both_values(run_script):
    script = [[(0.5, 0.2), (0.6, None)], [(0.3, 0.3), "diverged"], [(0.4, 0.4), "user_code"]]
    run = run_script(script, mode="pareto", **FREE)
    first, second, third = run.study.trials
    assert run.study.directions == [optuna.study.StudyDirection.MAXIMIZE] * 2
    assert first.values == [0.6, 0.0]
    assert second.values == [0.0, 0.0]
    assert third.values is None
    assert [values_after(first, epoch) for epoch in (1, 2)] == [(0.5, 0.2), (0.6, 0.0)]
    assert run.results[0].score == 0.6


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "random", "grid", "qmc"])
def test_every_sampler_works_beside_pruned_trials(sampler, run_script):
    rng = random.Random(3)
    curves = [[(rng.random(), rng.random()) for _ in range(5)] for _ in range(9)]
    run = run_script(curves, mode="pareto", sampler=sampler, pruner="asha", fix={"epochs": 9})
    assert run.error is None
    assert sum(run.summary.counts.values()) == 9
    assert run.summary.counts["pruned"] > 0


def test_importance_is_of_reaching_the_front(run_script):
    rng = random.Random(3)
    pairs = [(rng.random(), rng.random()) for _ in range(8)]
    run = run_script(script_of(*pairs), mode="pareto", sampler="random", pruner="none")
    assert sum(run.summary.parameter_importance.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("pruner", ["asha", "median"])
def test_interrupted_study_goes_on_as_if_it_had_not_been(pruner, run_script):
    rng = random.Random(5)
    curves = [[(rng.random(), rng.random()) for _ in range(6)] for _ in range(8)]
    settings = {"mode": "pareto", "pruner": pruner, "max_epochs": 15}
    whole = run_script(curves, name="whole", **settings)
    polls = whole.backend.polls
    for poll in (2, polls // 2, polls - 3):
        name = f"interrupted-{poll}"
        run_script(curves, name=name, interrupts=(poll,), **settings)
        run = run_script(curves, name=name, again=True, **settings)
        assert [r.hyperparameters for r in run.results] == [
            r.hyperparameters for r in whole.results
        ]
        assert [(t.state, t.values) for t in run.study.trials] == [
            (t.state, t.values) for t in whole.study.trials
        ]
        assert run.states == whole.states
        assert run.summary.front == whole.summary.front
        check(run, 0.01)


@pytest.mark.parametrize("mode", TWO)
def test_what_the_mode_does_not_allow_is_refused_before_anything_is_written(mode, run_script):
    with pytest.raises(InvalidValueError, match=r"search\.pruner"):
        run_script(script_of((0.5, 0.5)), mode=mode, pruner="hyperband")


def test_a_complete_study_that_is_resumed_does_not_meet_the_test_set_again(run_script):
    script = script_of((0.9, 0.2), (0.8, 0.9))
    run = run_script(script, mode="pareto", **FREE)
    run.run.test_report.write_text(json.dumps({}))
    again = run_script(script, mode="pareto", again=True, **FREE)
    assert again.run.test_report.exists()
    assert again.backend.jobs == []


def test_an_objective_without_chance_level_is_measured_from_0(run_script):
    run = run_script(script_of((0.9, 0.2)), mode="pareto", optimize_for="accuracy", **FREE)
    assert run.summary.front.reference == (0.0, 0.0)


def test_modes_of_one_objective_have_no_front(run_script):
    run = run_script([[0.5, 0.6], [0.6, 0.7]], mode="simple")
    assert run.summary.front is None
    assert not list(run.run.path.glob("trials/*/model.ckpt"))
    assert RunDirectory(run.run.path).best_checkpoint.exists()
