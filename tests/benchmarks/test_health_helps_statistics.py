from __future__ import annotations

import math

import numpy as np
import pytest
from health_helps_statistics import (
    Line,
    bootstrap_interval,
    by_range,
    holm,
    logit,
    partial_tau,
    sign_flip_p,
    verdict,
)
from scipy.stats import kendalltau, permutation_test


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    adjusted = holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.005})
    # sorted: .005 x 4, .01 x 3, .03 x 2, and .04 x 1 which may not be below the last
    assert adjusted == pytest.approx({"d": 0.02, "b": 0.03, "c": 0.06, "a": 0.06})


def test_holm_is_at_most_one():
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_sign_flip_by_hand():
    # Of 8 sign patterns of (1, 2, 3), 1+2+3 and its mirror image are as far from 0.
    assert sign_flip_p(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flip_p(np.zeros(4)) == 1.0


def test_sign_flip_agrees_with_scipy():
    differences = np.random.default_rng(1).normal(0.4, 1.0, 10)
    expected = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(differences) == pytest.approx(expected.pvalue)


def test_sign_flip_of_many_units_draws_patterns():
    exact = sign_flip_p(differences := np.random.default_rng(1).normal(0.2, 1.0, 16))
    more = sign_flip_p(np.concatenate((differences, [0.0])))  # a unit that cannot matter
    assert more == pytest.approx(exact, abs=0.02)


def test_bootstrap_interval_of_a_constant_is_that_constant():
    assert bootstrap_interval(np.full(6, 0.5)) == (0.5, 0.5)


def test_bootstrap_interval_is_near_the_normal_one():
    values = np.random.default_rng(0).normal(1.0, 2.0, 400)
    half = 1.96 * values.std() / 20
    low, high = bootstrap_interval(values)
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


@pytest.mark.parametrize(
    ("low", "high", "higher", "expected"),
    [
        (-0.004, 0.004, True, "no effect"),
        (0.001, 0.005, True, "no effect"),  # not 0, but too little to matter
        (0.001, 0.006, True, "better"),
        (0.001, 0.006, False, "worse"),
        (-0.02, -0.001, True, "worse"),
        (-0.02, 0.03, True, "undecided"),
    ],
)
def test_verdict(low, high, higher, expected):
    assert verdict(low, high, higher_is_better=higher) == expected


def test_tau_without_control_or_strata_is_kendalls():
    generator = np.random.default_rng(0)
    x, y = generator.integers(6, size=(2, 40)).astype(float)  # with ties
    z = np.where(np.arange(40) % 2 == 0, 1.0, 0.0)
    xy, xz, yz = (kendalltau(*pair).statistic for pair in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    assert partial_tau(x, y, z, [0] * 40).value == pytest.approx(expected)


def test_tau_by_hand_in_strata():
    # Within both strata x and y agree, but the stratum with the larger x has the smaller y.
    x, y = np.array([1.0, 2.0, 11.0, 12.0]), np.array([11.0, 12.0, 1.0, 2.0])
    z = np.array([1.0, 2.0, 2.0, 1.0])  # agrees with both in one stratum, with neither in the other
    within = partial_tau(x, y, z, ["a", "a", "b", "b"])
    assert (within.value, within.pairs) == (1.0, 2)
    assert partial_tau(x, y, z, ["a"] * 4).value < 0


def test_tau_of_a_constant_is_undefined():
    x, y = np.ones(4), np.arange(4.0)
    assert math.isnan(partial_tau(x, y, -y, [0] * 4).value)


def test_line_finds_its_own_coefficients_and_what_is_above():
    clean = np.array([0.6, 0.7, 0.8, 0.9])
    examples = 10**9
    damaged = 1 / (1 + np.exp(-(0.5 * logit(clean, examples) - 1.0)))
    line = Line.fit(clean, damaged, examples)
    assert (line.slope, line.intercept) == pytest.approx((0.5, -1.0), abs=1e-6)
    assert line.above(clean, damaged + 0.02) == pytest.approx(0.02, abs=1e-6)


def test_logit_of_all_right_is_finite():
    assert logit(np.array([1.0]), 9).tolist() == pytest.approx([math.log(19)])


def test_by_range():
    assert by_range([0, 3, 4, 6], (0, 4, 6, 99)) == ["0-3", "0-3", "4-5", "6-98"]
