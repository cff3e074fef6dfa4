from __future__ import annotations

import random

import pytest

from hpo_torch_runpod.costs import Budget, bounds, longest_bill


def test_bounds_of_a_cold_start():
    # 47.3 s of execution after 12.5 s of waiting, then 5 s idle: 64.8 s, billed as 65.
    found = bounds(47_300, 12_500, 5, 0.00031)
    assert found.lower == pytest.approx(47.3 * 0.00031)
    assert found.upper == pytest.approx(65 * 0.00031)


def test_bounds_of_whole_seconds_are_not_rounded_up():
    assert bounds(10_000, 0, 5, 0.001).upper == pytest.approx(0.015)


def test_bounds_count_every_gpu():
    assert bounds(1000, 0, 0, 0.5, gpus=4) == (2.0, 2.0)


def test_bounds_of_what_never_ran_but_held_a_worker():
    assert bounds(0, 0, 0, 0.5) == (0.0, 0.0)
    assert bounds(0, 200, 5, 1.0) == (0.0, 6.0)


def test_longest_bill_is_in_whole_seconds():
    assert longest_bill(600, 300, 5) == 905
    assert longest_bill(0.5, 0.25, 0) == 1


def test_a_job_that_does_not_fit_is_refused_and_leaves_no_trace():
    budget = Budget(1.0)
    assert budget.reserve("a", 60, 0.01)
    assert not budget.reserve("b", 60, 0.01)
    assert (budget.spent, budget.reserved) == (0.0, 0.6)
    assert budget.reserve("c", 40, 0.01)  # exactly what is left


def test_what_a_job_did_not_use_is_free_again():
    budget = Budget(1.0)
    budget.reserve("a", 100, 0.01)
    budget.settle("a", 0.25)
    assert budget.reserve("b", 75, 0.01)
    assert (budget.spent, budget.reserved) == (0.25, 0.75)


def test_reserving_again_for_the_same_job_replaces_its_reservation():
    budget = Budget(1.0)
    budget.reserve("a", 60, 0.01)
    assert budget.reserve("a", 90, 0.01)
    assert budget.reserved == pytest.approx(0.9)


def test_earlier_processes_count():
    assert not Budget(1.0, spent=0.75).reserve("a", 50, 0.01)
    budget = Budget(1.0)
    budget.settle("of an earlier process", 0.75)
    assert not budget.reserve("a", 50, 0.01)


def test_without_a_limit_everything_fits_and_is_added_up():
    budget = Budget(None)
    assert budget.reserve("a", 1e9, 1.0)
    budget.settle("a", 12.5)
    assert budget.spent == 12.5


def test_refusal_says_what_the_job_may_cost_and_what_is_left():
    budget = Budget(0.5, spent=0.25)
    budget.reserve("a", 100, 0.001)
    text = budget.refusal(4000, 0.00031)
    assert text.startswith("budget: the next job may cost $1.2400 (4000 s at $0.00031 a second)")
    assert "$0.2500 spent and $0.1000 held for jobs in flight of --max-cost 0.5" in text


@pytest.mark.parametrize("seed", range(50))
def test_the_limit_holds_in_every_order_of_submits_and_ends(seed):
    """Jobs of up to eight at once end in any order, at up to what was reserved for them."""
    chance = random.Random(seed)
    limit = chance.uniform(0.01, 2.0)
    budget = Budget(limit)
    flying: dict[str, float] = {}
    refused = 0
    for number in range(300):
        seconds, price = chance.uniform(1, 600), chance.choice([0.00016, 0.00031, 0.00240])
        if len(flying) < 8 and budget.reserve(str(number), seconds, price):
            flying[str(number)] = seconds * price
        else:
            refused += 1
        assert budget.spent + budget.reserved <= limit + 1e-12
        if flying and chance.random() < 0.6:
            job = chance.choice(sorted(flying))
            budget.settle(job, flying.pop(job) * chance.random())
    for job, most in flying.items():
        budget.settle(job, most)  # the worst that can come
    assert refused
    assert budget.spent <= limit + 1e-12
    assert budget.reserved == 0.0


@pytest.mark.parametrize("seed", range(50))
def test_one_job_that_costs_more_than_reserved_passes_the_limit_by_no_more_than_itself(seed):
    chance = random.Random(seed)
    limit = chance.uniform(0.01, 2.0)
    budget = Budget(limit)
    bad = chance.randrange(1, 50)
    worst = 0.0
    for number in range(300):
        if not budget.reserve(str(number), chance.uniform(1, 600), 0.00031):
            continue
        settled = budget.reserved * chance.random()
        if number == bad:
            settled = worst = budget.reserved * 20
        budget.settle(str(number), settled)
    assert budget.spent <= limit + worst


def test_settling_again_replaces_what_a_job_cost():
    budget = Budget(1.0)
    budget.settle("a", 0.5)
    budget.settle("a", 0.25)
    assert budget.spent == 0.25


def test_a_job_that_was_never_submitted_gives_its_money_back():
    budget = Budget(1.0)
    budget.reserve("a", 100, 0.01)
    budget.release("a")
    budget.release("unknown")
    assert (budget.spent, budget.reserved) == (0.0, 0.0)
