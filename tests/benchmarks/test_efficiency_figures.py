from __future__ import annotations

import json

import pytest
from efficiency_figures import (
    END_HEADER,
    TARGET_HEADER,
    Epoch,
    Search,
    default_targets,
    end_rows,
    failures,
    figures,
    lead,
    lead_lines,
    reached_by_default,
    target_rows,
    times_to,
    turns,
)
from time_to_target import Bounds

BUDGET = 100.0


def search_of(contender, seed, *epochs, failed_after=None):
    """Epochs are (seconds, trial, accuracy)."""
    return Search(
        contender,
        seed,
        tuple(Epoch(seconds, trial, 1, accuracy) for seconds, trial, accuracy in epochs),
        BUDGET if failed_after is None else failed_after,
        "" if failed_after is None else "exit code 1: out of memory",
    )


FOUND = {
    "hpo-torch": [
        search_of("hpo-torch", 0, (10, "0", 0.8), (20, "0", 0.82), (40, "1", 0.9)),
        search_of("hpo-torch", 1, (12, "0", 0.84), (50, "1", 0.88), (60, "2", 0.7)),
        search_of("hpo-torch", 2, (10, "0", 0.83), (80, "3", 0.87)),
    ],
    "optuna": [
        search_of("optuna", 0, (30, "0", 0.82), (90, "1", 0.84)),
        search_of("optuna", 1, (36, "0", 0.86)),
        search_of("optuna", 2, (20, "0", 0.6), failed_after=50),
    ],
    "ray": [
        search_of("ray", 0, (40, "a", 0.9)),
        search_of("ray", 1, (48, "b", 0.84)),
        search_of("ray", 2, (30, "c", 0.83)),
    ],
}


def test_times_are_paired_by_seed_and_cut_off_at_budget_or_failure():
    times = times_to(FOUND, 0.82)
    assert times["hpo-torch"].seconds == [Bounds.exactly(n) for n in (20, 12, 10)]
    assert times["hpo-torch"].ratios == []
    assert times["optuna"].ratios == [Bounds.exactly(1.5), Bounds.exactly(3.0), Bounds.above(5.0)]
    assert times["ray"].ratios == [Bounds.exactly(n) for n in (2.0, 4.0, 3.0)]
    assert times_to(FOUND, 0.89)["optuna"].seconds == [Bounds.above(n) for n in (100, 100, 50)]


def test_the_lead_is_that_over_the_best_of_the_others():
    assert lead(times_to(FOUND, 0.82)) == Bounds.exactly(3.0)  # medians: 3 and 3
    # Optuna: above 2.5, above 1, nothing known; Ray: 1, nothing known twice.
    assert lead(times_to(FOUND, 0.9)) == Bounds(0.0, float("inf"))
    assert lead(times_to({"hpo-torch": FOUND["hpo-torch"]}, 0.82)) is None
    assert list(lead_lines(FOUND, [0.82])) == [
        "To 0.8200, hpo-torch is 3.00 times as soon as the best other."
    ]


def test_others_can_be_compared_without_hpo_torch():
    others = {name: FOUND[name] for name in ("optuna", "ray")}
    assert reached_by_default(others) is None
    assert times_to(others, 0.82)["ray"].ratios == []
    assert default_targets(others)[0] == 0.6


def test_targets_begin_at_what_the_default_reached():
    assert reached_by_default(FOUND) == 0.83  # of 0.82, 0.84, 0.83
    assert default_targets(FOUND) == pytest.approx([0.83, 0.8475, 0.865, 0.8825, 0.9])
    assert default_targets({"hpo-torch": [search_of("hpo-torch", 0)]}) == []


def test_tables_have_a_row_for_each_contender():
    rows = list(target_rows(FOUND, [0.82, 0.9]))
    assert [row[:2] for row in rows[:2]] == [("hpo-torch", "0.8200"), ("optuna", "0.8200")]
    assert rows[0][2:] == ("12 (20, 12, 10)", "-")
    assert rows[1][2:] == ("36 (30, 36, >50)", "3.00 (1.50, 3.00, >5.00)")
    assert rows[3][2:] == (">100 (40, >100, >100)", "-")
    assert {len(row) for row in rows} == {len(TARGET_HEADER)}
    ours = next(end_rows(FOUND))
    assert ours == (
        "hpo-torch",
        "0.8800 (0.9000, 0.8800, 0.8700)",
        "10.0 (10.0, 12.0, 10.0)",
        "2 (2, 3, 2)",
        "3 (3, 3, 2)",
    )
    assert len(ours) == len(END_HEADER)


def test_failures_are_told():
    silent = {**FOUND, "ray": [search_of("ray", 0)]}
    assert failures(FOUND) == ["optuna, seed 2: exit code 1: out of memory"]
    assert failures(silent)[-1] == "ray, seed 0: no epoch ended within the budget"


def test_the_result_is_json_and_searches_come_back_from_it():
    result = json.loads(json.dumps(figures(FOUND, [0.82, 0.9]), allow_nan=False))
    assert result["targets"][0]["contenders"]["optuna"]["times_sooner"][2] == [5.0, None]
    assert result["targets"][0]["contenders"]["optuna"]["seconds_median"] == [36, 36]
    assert result["targets"][0]["lead_over_best"] == [3.0, 3.0]
    assert result["best"]["hpo-torch"] == [0.9, 0.88, 0.87]
    assert Search.from_json(result["searches"][0]) == FOUND["hpo-torch"][0]


def test_each_contender_is_first_in_turn():
    names = ["a", "b", "c"]
    assert [turns(names, seed) for seed in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]
