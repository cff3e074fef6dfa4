from __future__ import annotations

from hpo_torch.cli.outcome import confirmed_text
from hpo_torch.results.records import ConfirmedTrial

ENTRY = ConfirmedTrial(
    trial=7, searched=0.9845, searched_rank=2, repetitions=[0, 1, 2], seeds=[1, 2, 3],
    scores=[0.98, 0.981, 0.9826], scored=3, mean=0.9812, deviation=0.0011, rank=1,
)  # fmt: skip


def test_confirmed_text_has_mean_spread_and_what_the_search_found():
    assert confirmed_text(ENTRY) == (
        "  1  trial 7: 0.9812 ± 0.0011 over 3 seeds; searched 0.9845 (was 2)"
    )


def test_confirmed_text_of_one_seed_has_no_spread():
    one = ENTRY.model_copy(update={"scored": 1, "deviation": None, "searched_rank": 1})
    assert confirmed_text(one) == "  1  trial 7: 0.9812 over 1 seed; searched 0.9845"


def test_confirmed_text_without_scores_says_so():
    none = ENTRY.model_copy(update={"scored": 0, "mean": None, "deviation": None})
    assert "no repetition could be scored" in confirmed_text(none)
