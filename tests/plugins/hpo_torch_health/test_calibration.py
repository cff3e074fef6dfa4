from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hpo_torch.plugin_api import Validation
from hpo_torch_health.calibration import Calibration, expected_calibration_error, reliability
from hpo_torch_health.generalization import Generalization
from hpo_torch_health.neuron_utilization import NeuronUtilization

if TYPE_CHECKING:
    from collections.abc import Callable


def direct_ece(confidences: np.ndarray, correct: np.ndarray) -> float:
    """Slow reference: bin after bin."""
    edges = np.linspace(0.0, 1.0, 16)
    error = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidences > low) & (confidences <= high)
        if inside.any():
            gap = abs(correct[inside].mean() - confidences[inside].mean())
            error += inside.mean() * gap
    return error


def ece(confidences: Tensor, correct: Tensor) -> float:
    return expected_calibration_error(reliability(confidences, correct))


@pytest.mark.parametrize("skew", [0.3, 1.0, 4.0])
def test_ece_equals_a_direct_computation(skew: float) -> None:
    rng = np.random.default_rng(0)
    confidences = rng.random(5000).astype(np.float32) ** skew
    correct = rng.random(5000) < confidences**2
    expected = direct_ece(confidences.astype(np.float64), correct)
    assert ece(torch.tensor(confidences), torch.tensor(correct)) == pytest.approx(expected)


def test_ece_by_hand() -> None:
    # (0.6, 0.667]: 2 of 4 right at 0.65; (0.933, 1]: all 4 right at 1.
    confidences = torch.tensor([0.65] * 4 + [1.0] * 4)
    correct = torch.tensor([True, False] * 2 + [True] * 4)
    assert ece(confidences, correct) == pytest.approx(0.5 * 0.15)
    assert ece(torch.ones(3), torch.zeros(3, dtype=torch.bool)) == 1.0


def test_bins_hold_their_upper_edge() -> None:
    edges = torch.arange(16, dtype=torch.float64) / 15
    counts = reliability(edges, torch.ones(16, dtype=torch.bool))[0]
    assert counts.tolist() == [2.0] + [1.0] * 14  # 0 goes with 1/15


def observed_of(make_probe: Callable, validation: Validation) -> dict:
    return Calibration().observe(make_probe(nn.Identity(), torch.eye(2), validation=validation))


def made_up(confidences: Tensor, correct: Tensor) -> Validation:
    nothing = torch.zeros(0)
    return Validation(confidences=confidences, correct=correct, inputs=nothing, labels=nothing)


def test_score_reports_what_it_is_made_of(make_probe: Callable, make_record: Callable) -> None:
    correct = torch.arange(1000) % 4 > 0
    observed = observed_of(make_probe, made_up(torch.full((1000,), 0.95), correct))
    reading = Calibration().score(make_record(observations=[observed]))
    assert reading.value == pytest.approx(0.8)
    assert reading.details["examples"] == 1000
    assert reading.details["accuracy"] == 0.75
    assert reading.details["mean_confidence"] == pytest.approx(0.95)
    assert reading.details["bin_examples"][14] == 1000
    assert reading.details["bin_accuracy"] == [None] * 14 + [0.75]


def test_below_1000_examples_there_is_no_value(make_probe: Callable, make_record: Callable) -> None:
    observed = observed_of(make_probe, made_up(torch.ones(999), torch.ones(999) > 0))
    reading = Calibration().score(make_record(observations=[observed]))
    assert (reading.value, reading.applies) == (None, False)
    assert reading.reason == "needs 1000 validation examples, there are 999"
    assert reading.details["examples"] == 999
    assert Calibration().score(make_record()).reason == "no validation pass was made"


def test_confidences_of_nan_score_zero(make_probe: Callable, make_record: Callable) -> None:
    broken = made_up(torch.full((1000,), math.nan), torch.zeros(1000) > 0)
    record = make_record(observations=[observed_of(make_probe, broken)])
    assert Calibration().score(record).value == 0.0


class Scaled(nn.Module):
    """A network whose logits are multiplied, which changes no answer."""

    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    def forward(self, inputs: Tensor) -> Tensor:
        return self.factor * self.network(inputs)


def test_logits_times_5_change_calibration_only(
    make_probe: Callable, make_record: Callable, make_validation: Callable
) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    inputs = torch.randn(4000, 8)
    with torch.no_grad():  # labels drawn as the network says: it is calibrated
        labels = torch.multinomial(network(inputs).softmax(1), 1).squeeze(1)
    metrics = Calibration(), Generalization(), NeuronUtilization()
    values = []
    for factor in (1.0, 5.0):
        scaled = Scaled(network, factor)
        validation = make_validation(scaled, inputs[512:], labels[512:])
        probe = make_probe(scaled, inputs[:512], labels[:512], validation)
        records = [make_record(observations=[metric.observe(probe)]) for metric in metrics]
        values.append([m.score(record).value for m, record in zip(metrics, records, strict=True)])
    (calibrated, *others), (sure, *same) = values
    assert others == same
    assert calibrated > 0.95
    assert sure < calibrated - 0.2
