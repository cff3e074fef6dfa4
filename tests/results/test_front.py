from __future__ import annotations

import pytest

from hpo_torch.config.schema import SearchSettings
from hpo_torch.results.front import chance_level, front_of, points_of
from hpo_torch.results.summary import winner_of

PARETO = SearchSettings(mode="pareto", delta=0.05)


@pytest.fixture
def trial_of(make_trial, measurements):
    """Make a completed trial of this accuracy and health; the majority class's share is 0.2."""

    def make(number, accuracy, health, **changes):
        skill = max(0.0, (accuracy - 0.2) / 0.8)
        values = {"val_accuracy": accuracy, "skill": skill, "overall_health": health}
        measured = measurements.model_copy(update=values)
        return make_trial(number, **{"score": accuracy, "measurements": measured, **changes})

    return make


def test_front_is_measured_from_chance(trial_of):
    trials = [trial_of(0, 0.9, 0.2), trial_of(1, 0.6, 0.7), trial_of(2, 0.5, None)]
    front = front_of(trials, PARETO)
    assert front.reference == (0.2, 0.0)
    # 0.7 x 0.2 + 0.4 x 0.5
    assert front.hypervolume == pytest.approx(0.34)
    assert [entry.trial for entry in front.trials] == [0, 1]
    assert front.picks.model_dump() == {"healthiest_within_delta": 0, "best_objective": 0}


def test_an_objective_that_is_no_accuracy_is_measured_from_0(trial_of):
    search = PARETO.model_copy(update={"optimize_for": "training_time"})
    assert front_of([trial_of(0, 0.9, 0.2)], search).reference == (0.0, 0.0)


def test_chance_level_is_known_from_any_trial_with_some_skill(trial_of):
    assert chance_level([trial_of(0, 0.1, 0.5), trial_of(1, 1.0, 0.5)]) == 0.0
    pruned = trial_of(2, 0.3, 0.5, state="pruned")
    assert chance_level([trial_of(0, 0.1, 0.5), pruned]) == 0.2


def test_only_completed_trials_count(trial_of):
    trials = [trial_of(0, 0.9, 0.9, state="pruned"), trial_of(1, 0.5, None)]
    assert [(p.trial, p.objective, p.health) for p in points_of(trials)] == [(1, 0.5, 0.0)]
    failed = trial_of(2, 0.9, 0.9, state="failed", score=0.0)
    assert front_of([failed], PARETO).picks is None
    assert winner_of([failed], PARETO) is None


def test_winner_follows_the_mode(trial_of):
    trials = [trial_of(0, 0.90, 0.2), trial_of(1, 0.86, 0.7), trial_of(2, 0.80, 0.9)]
    assert winner_of(trials, PARETO).trial == 1
    assert winner_of(trials, SearchSettings(mode="simple")).trial == 0
    assert front_of(trials, SearchSettings(mode="simple")) is None
