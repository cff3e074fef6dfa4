from __future__ import annotations

import pytest

from hpo_torch.results.records import TrialResult
from hpo_torch.study.confirmation import Repeats, confirm, story


def result(trial, score, state="complete", seed=7):
    return TrialResult(
        trial=trial,
        attempt="a",
        state=state,
        score=score,
        seed=seed,
        family="cnn",
        hyperparameters={},
        started="2026-11-25T10:20:03.000+00:00",
        seconds=1.0,
    )


def repeats(trial, searched, scores, first=0):
    return Repeats(
        result(trial, searched),
        [
            result(
                first + n, score, "failed" if score is None else "complete", seed=100 + first + n
            )
            for n, score in enumerate(scores)
        ],
    )


def test_confirm_ranks_by_the_mean_of_the_fresh_seeds_alone():
    lucky, steady = repeats(7, 0.99, [0.90, 0.92, 0.91]), repeats(3, 0.95, [0.94, 0.95, 0.96], 3)
    outcome = confirm([lucky, steady], 3)
    first, second = outcome.trials
    assert (first.trial, first.searched_rank, first.rank) == (3, 2, 1)
    assert first.mean == pytest.approx(0.95)
    # Sample standard deviation of 0.94, 0.95, 0.96: sqrt(2 * 0.01^2 / 2).
    assert first.deviation == pytest.approx(0.01)
    assert (second.trial, second.searched_rank, second.rank) == (7, 1, 2)
    assert second.searched == 0.99
    assert (outcome.winner, first.seeds, first.repetitions) == (3, [103, 104, 105], [3, 4, 5])


def test_confirm_keeps_the_weights_of_the_median_repetition():
    assert confirm([repeats(7, 0.9, [0.8, 0.99, 0.7])], 3).saved == 0


def test_confirm_keeps_the_lower_of_two_middle_repetitions():
    assert confirm([repeats(7, 0.9, [0.6, 0.9, 0.8, 0.7])], 4).saved == 3


def test_confirm_counts_a_diverged_repetition_as_the_worst_and_never_keeps_it():
    diverged = result(1, 0.0, "failed")
    outcome = confirm([Repeats(result(7, 0.9), [result(0, 0.8), diverged])], 2)
    assert outcome.trials[0].mean == pytest.approx(0.4)
    assert outcome.trials[0].scored == 2
    assert outcome.saved == 0


def test_confirm_leaves_a_repetition_without_a_score_out_of_the_mean():
    entry = confirm([repeats(7, 0.9, [0.8, None])], 2).trials[0]
    assert (entry.mean, entry.deviation, entry.scored) == (0.8, None, 1)
    assert entry.scores == [0.8, None]


def test_confirm_names_no_winner_where_nothing_completed():
    outcome = confirm([repeats(7, 0.9, [None, None])], 2)
    assert (outcome.winner, outcome.saved) == (None, None)
    assert outcome.trials[0].mean is None


def test_confirm_prefers_the_better_searched_of_equal_means():
    outcome = confirm([repeats(7, 0.9, [0.8]), repeats(3, 0.85, [0.8], 1)], 1)
    assert outcome.winner == 7


def test_story_says_seed_mean_and_spread():
    outcome = confirm([repeats(7, 0.9, [0.8, 0.82, 0.84])], 3)
    saved = result(7, 0.82, seed=101)
    assert "fresh seed 101" in story(outcome, saved, "The weights are those of trial 7")
    assert "0.8200 ± 0.0200" in story(outcome, saved, "The weights")
