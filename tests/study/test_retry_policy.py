from __future__ import annotations

import pytest

from hpo_torch.study.retry_policy import (
    Retry,
    is_of_the_place,
    retry_after,
    says_something_is_broken,
)


@pytest.mark.parametrize("kind", ["diverged", "timeout", "data", "user_code", "backend"])
def test_retry_after_what_would_fail_again_is_none(kind):
    assert retry_after(kind, accumulate=1, deaths_in_a_row=0, retries=9) is None


def test_retry_after_out_of_memory_halves_batches_each_time():
    expected = {1: Retry(2), 2: Retry(4), 4: None, 8: None}
    for accumulate, retry in expected.items():
        found = retry_after("out_of_memory", accumulate=accumulate, deaths_in_a_row=9, retries=2)
        assert found == retry
    assert retry_after("out_of_memory", accumulate=1, deaths_in_a_row=0, retries=0) is None


def test_retry_after_a_place_that_another_one_follows_takes_none_of_the_retries():
    words = {"accumulate": 2, "deaths_in_a_row": 9, "retries": 0}
    assert retry_after("backend", **words, moves_on=True) == Retry(2)
    assert retry_after("backend", **words) is None


def test_retry_after_a_death_keeps_the_batches_until_too_many_in_a_row():
    assert retry_after("worker_died", accumulate=2, deaths_in_a_row=2, retries=2) == Retry(2)
    assert retry_after("worker_died", accumulate=1, deaths_in_a_row=3, retries=2) is None
    assert retry_after("worker_died", accumulate=1, deaths_in_a_row=1, retries=0) is None


def test_bad_configurations_are_not_broken_studies():
    broken = ["out_of_memory", "worker_died", "data", "user_code", "backend"]
    assert all(map(says_something_is_broken, broken))
    assert not any(map(says_something_is_broken, ["diverged", "timeout", None]))


def test_is_of_the_place_what_would_not_have_happened_elsewhere():
    kinds = ["diverged", "out_of_memory", "timeout", "worker_died", "data", "user_code", "backend"]
    assert [kind for kind in kinds if is_of_the_place(kind)] == ["worker_died", "backend"]
