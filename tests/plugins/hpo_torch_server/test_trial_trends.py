from __future__ import annotations

from statistics import median

import pytest
from told_run import ended_trial, measured

from hpo_torch_server.trial_table import TrialTable
from hpo_torch_server.trial_trends import MOST_POINTS, trends


def table_of(*trials):
    table = TrialTable()
    for trial in trials:
        table.add(trial)
    return table.columns


def trial(number, score=0.5, health=0.5, state="complete", **hyperparameters):
    return ended_trial(
        number, state, score, hyperparameters=hyperparameters, measurements=measured(health=health)
    )


def test_few_values_are_shown_one_by_one():
    columns = table_of(
        trial(0, 0.4, activation="relu", layers=2),
        trial(1, 0.8, activation="relu", layers=10),
        trial(2, 0.5, activation="elu", layers=2),
        trial(3, 0.1, state="pruned", activation="elu", layers=2),  # stopped early: not compared
        trial(4, 0.9, layers=10),  # has no activation
    )
    found = trends(columns, ranges=4, window=5)
    assert found.completed == 4
    activation = found.hyperparameter_trends["activation"]
    assert activation.kind == "values"
    assert [(g.value, g.count, g.worst, g.best) for g in activation.groups] == [
        ("elu", 1, 0.5, 0.5),
        ("relu", 2, 0.4, 0.8),
    ]
    assert activation.groups[1].mean == pytest.approx(0.6)
    layers = found.hyperparameter_trends["layers"].groups
    assert [(group.value, group.count) for group in layers] == [(2, 2), (10, 2)]


def test_many_numbers_are_shown_in_ranges_of_like_count():
    columns = table_of(*(trial(n, score=n / 100, rate=float(n)) for n in range(12)))
    rate = trends(columns, ranges=4, window=5).hyperparameter_trends["rate"]
    assert rate.kind == "ranges"
    assert [(g.value, g.low, g.high, g.count) for g in rate.groups] == [
        (None, 0.0, 2.0, 3),
        (None, 3.0, 5.0, 3),
        (None, 6.0, 8.0, 3),
        (None, 9.0, 11.0, 3),
    ]
    assert rate.groups[0].mean == pytest.approx(0.01)


def test_equal_numbers_are_never_in_two_ranges():
    rates = [0.0] * 20 + [float(n) for n in range(1, 10)]
    columns = table_of(*(trial(n, rate=rate) for n, rate in enumerate(rates)))
    groups = trends(columns, ranges=4, window=5).hyperparameter_trends["rate"].groups
    assert [(group.low, group.high, group.count) for group in groups] == [
        (0.0, 0.0, 20),
        (1.0, 1.0, 1),
        (2.0, 9.0, 8),
    ]
    assert sum(group.count for group in groups) == len(rates)


def test_truth_values_are_no_numbers():
    columns = table_of(trial(0, batch_norm=True), trial(1, batch_norm=False))
    trend = trends(columns, ranges=4, window=5).hyperparameter_trends["batch_norm"]
    assert [(group.value, group.count) for group in trend.groups] == [(False, 1), (True, 1)]


def test_health_goes_by_number_with_a_running_median():
    healths = {3: 0.4, 0: 0.1, 1: 0.9, 2: 0.3}  # in the order in which they ended
    columns = table_of(*(trial(number, health=value) for number, value in healths.items()))
    line = trends(columns, ranges=4, window=3).health_trends["gradient_health"]
    assert line.count == 4
    assert line.numbers == [0, 1, 2, 3]
    assert line.values == [0.1, 0.9, 0.3, 0.4]
    assert line.medians == [0.1, 0.5, 0.3, 0.4]


def test_what_was_never_measured_has_no_line():
    found = trends(table_of(trial(0)), ranges=4, window=3).health_trends
    assert list(found) == ["score", "overall_health", "gradient_health"]


def test_of_many_trials_evenly_spaced_ones_are_shown():
    count = 5 * MOST_POINTS
    columns = table_of(*(trial(n, health=(n * 7 % 11) / 11) for n in range(count)))
    line = trends(columns, ranges=4, window=25).health_trends["gradient_health"]
    assert line.count == count
    assert line.numbers == list(range(4, count, 5))
    values = [(n * 7 % 11) / 11 for n in range(count)]
    last = line.numbers[-1]
    assert line.medians[-1] == median(values[last - 24 : last + 1])


def test_before_a_trial_has_completed_there_is_nothing():
    found = trends(TrialTable().columns, ranges=4, window=5)
    assert (found.completed, found.hyperparameter_trends, found.health_trends) == (0, {}, {})
