"""Engines that share a study of objective and health."""

from __future__ import annotations

SETTINGS = {"mode": "pareto", "delta": 0.01, "pruner": "none"}
# The first engine trains 0 and 1, of which 0 leads: (0.945, 0.5). The second one's trial 2 has the
# best objective; within delta of it is 1 alone, which no engine of its own named its winner.
SCRIPT = [[(0.945, 0.5)], [(0.95, 0.2)], [(0.96, 0.1)]]


def test_the_winner_may_lead_no_engine(engine):
    first = engine("first", SCRIPT, interrupts=(5,), **SETTINGS)
    assert first.states == {0: "complete", 1: "complete"}
    assert first.run.best_checkpoint.read_text() == "weights of trial 0"
    second = engine("second", SCRIPT, **SETTINGS)
    assert second.states == {0: "complete", 1: "complete", 2: "complete"}
    assert second.summary.best_trial == 1
    assert second.summary.weights_elsewhere is None
    assert second.run.best_checkpoint.read_text() == "weights of trial 1"
    assert [entry.trial for entry in second.summary.front.trials] == [2, 1, 0]
    # The engine that trained it, asked again, names it too.
    again = engine("first", SCRIPT, again=True, **SETTINGS)
    assert again.summary.best_trial == 1
    assert again.run.best_checkpoint.read_text() == "weights of trial 1"
    assert again.warnings == second.warnings == []


def test_pruning_sees_the_other_engines_trials(engine):
    script = [[(0.9, 0.9)] * 3, [(0.5, 0.5)] * 3, [(0.95, 0.95)] * 3]
    settings = {
        **SETTINGS,
        "pruner": "asha",
        "pruner_options": {"min_resource": 2},
        "fix": {"epochs": 3},
    }
    first = engine("first", script, interrupts=(4,), **settings)
    assert list(first.states) == [0]
    second = engine("second", script, **settings)
    assert second.states == {0: "complete", 1: "pruned", 2: "complete"}
