from __future__ import annotations

import pytest

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.results.health_advice import advise


def health(**details):
    return {name: HealthReading(value=0.5, details=found) for name, found in details.items()}


def calibration(ece, examples, confidence=0.9):
    found = {"ece": ece, "examples": examples, "mean_confidence": confidence, "accuracy": 0.8}
    return health(calibration=found)


@pytest.mark.parametrize(
    "readings",
    [
        {},
        {"neuron_utilization": HealthReading(reason="no activation modules found")},
        health(neuron_utilization={"alive": {"a": 0.01}}),
        health(gradient_health={"decades": {"a": -2.0, "b": None, "c": 0.0}}),
        health(gradient_health={"decades": {}}),
        calibration(0.038, 1000),
        calibration(0.2, 99),  # too few to tell
        calibration(None, 1000),
        health(update_ratios={"log10_ratio": {"a": -4.0, "b": -1.7, "c": None}}),
        health(dormancy={"dormant_share_0.025": {"a": 1.0}}, generalization={"gap": 0.9}),
    ],
)
def test_nothing_is_advised_where_no_threshold_is_crossed(readings):
    assert advise(readings) == []


@pytest.mark.parametrize(
    ("readings", "figure", "threshold", "advice"),
    [
        (
            health(neuron_utilization={"alive": {"a": 0.0, "b": 0.5}}),
            "no unit of 'a' responds to any probe example",
            "an alive share of 0",
            "leaky_relu",
        ),
        (
            health(gradient_health={"decades": {"a": -2.1, "b": 0.0}}),
            "the gradient vanishes towards 'a': 10^-2.1 of the last layer's",
            "2 decades (healthy)",
            "fewer layers",
        ),
        (
            health(gradient_health={"decades": {"a": 7.0, "b": 0.0}}),
            "the gradient explodes towards 'a': 10^7.0 of the last layer's",
            "6 decades (broken)",
            "fewer layers",
        ),
        (
            calibration(0.039, 1000),
            "the calibration error is 0.039 on 1,000 examples, the network overconfident",
            "0.038, which chance alone gives with 1,000",
            "temperature",
        ),
        (
            calibration(0.037, 5000, confidence=0.7),
            "the calibration error is 0.037 on 5,000 examples, the network underconfident",
            "0.016, which chance alone gives with 5,000",
            "temperature",
        ),
        (
            health(update_ratios={"log10_ratio": {"a": -4.1, "b": -5.0}}),
            "the usual step moves 'a', 'b' by as little as 10^-5.0 of its size",
            "10^-4",
            "Raise",
        ),
        (
            health(update_ratios={"log10_ratio": {"a": -1.0, "b": -5.0}}),
            "the usual step moves 'a' by up to 10^-1.0 of its size",
            "10^-1.7",
            "Lower",
        ),
    ],
)
def test_advice_names_the_figure_and_the_threshold(readings, figure, threshold, advice):
    (found,) = advise(readings)
    assert (found.figure, found.threshold) == (figure, threshold)
    assert advice in found.advice
    assert found.metric in readings


def test_small_steps_of_a_dead_network_are_no_advice_of_their_own():
    readings = health(
        neuron_utilization={"alive": dict.fromkeys("abcde", 0.0)},
        update_ratios={"log10_ratio": {"a": -9.0}},
    )
    (found,) = advise(readings)
    assert found.figure.startswith("no unit of 'a', 'b', 'c' and 2 more responds")
