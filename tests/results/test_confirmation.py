from __future__ import annotations

import pytest

from hpo_torch.results.confirmation import (
    covers,
    drop_confirmation,
    leaders,
    read_confirmation,
    write_confirmation,
)
from hpo_torch.results.records import Confirmation, ConfirmedTrial


def confirmation(*trials, seeds=3):
    entries = [
        ConfirmedTrial(
            trial=trial, searched=0.9, searched_rank=rank, repetitions=[0], seeds=[1],
            scores=[0.9], scored=1, mean=0.9, deviation=None, rank=rank,
        )
        for rank, trial in enumerate(trials, 1)
    ]  # fmt: skip
    return Confirmation(seeds=seeds, trials=entries, winner=trials[0], saved=0)


@pytest.fixture
def trials(make_trial):
    scores = [(0, "complete", 0.5), (1, "complete", 0.9), (2, "pruned", 0.99),
              (3, "complete", 0.9), (4, "failed", None)]  # fmt: skip
    return [make_trial(number, state, score) for number, state, score in scores]


def test_leaders_are_completed_best_first_and_of_equals_the_lower_number(trials):
    assert [trial.trial for trial in leaders(trials, 5)] == [1, 3, 0]
    assert [trial.trial for trial in leaders(trials, 1)] == [1]


def test_covers_wants_the_leaders_and_the_seeds(trials):
    assert covers(confirmation(3, 1), trials, 2, 3)
    assert not covers(confirmation(3, 1), trials, 2, 5)
    assert not covers(confirmation(3, 1), trials, 3, 3)
    assert not covers(confirmation(0, 1), trials, 2, 3)
    assert not covers(None, trials, 2, 3)


def test_covers_wants_nothing_where_nothing_completed(make_trial):
    assert covers(None, [make_trial(0, "failed", None)], 2, 3)


def test_confirmation_is_read_as_written_until_it_is_dropped(tmp_path):
    assert read_confirmation(tmp_path) is None
    write_confirmation(tmp_path, confirmation(1))
    assert read_confirmation(tmp_path) == confirmation(1)
    drop_confirmation(tmp_path)
    drop_confirmation(tmp_path)
    assert read_confirmation(tmp_path) is None
