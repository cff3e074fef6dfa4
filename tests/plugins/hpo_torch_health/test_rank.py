from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from hpo_torch_health.rank import Rank, effective_rank, penultimate_features, stable_ranks

if TYPE_CHECKING:
    from collections.abc import Callable


def direct_rank(features: Tensor) -> float:
    """Slow reference: singular values by SVD, entropy term by term."""
    centred = features.double() - features.double().mean(0)
    sigma = torch.linalg.svdvals(centred)
    shares = [s / sigma.sum().item() for s in sigma.tolist()]
    return math.exp(-sum(p * math.log(p) for p in shares if p > 1e-7))


@pytest.mark.parametrize("shape", [(512, 64), (40, 100)])
def test_effective_rank_equals_a_direct_computation(shape: tuple[int, int]) -> None:
    features = torch.randn(shape) * torch.logspace(0, -2, shape[1])
    assert effective_rank(features) == pytest.approx(direct_rank(features), rel=1e-4)


def test_effective_rank_of_known_matrices() -> None:
    axes = torch.cat((torch.eye(5), -torch.eye(5)))  # five equal directions
    assert effective_rank(axes) == pytest.approx(5.0)
    line = torch.linspace(0, 1, 50).unsqueeze(1) * torch.ones(1, 8)
    assert effective_rank(line) == pytest.approx(1.0, abs=1e-3)
    assert effective_rank(torch.ones(50, 8)) == 0.0
    assert effective_rank(torch.full((50, 8), math.nan)) == 0.0
    assert 60 < effective_rank(torch.randn(512, 64)) < 64


def test_penultimate_features_are_the_last_linears_input() -> None:
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    inputs = torch.randn(300, 6)
    with torch.no_grad():
        expected = network[:2](inputs)
    torch.testing.assert_close(penultimate_features(network, inputs), expected)
    assert not network[2]._forward_pre_hooks
    assert penultimate_features(nn.Flatten(), inputs) is None


def test_stable_rank_equals_the_norms_definition() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(50, 20), nn.Linear(4, 4))
    with torch.no_grad():
        network[2].weight.zero_()
    found = stable_ranks(network)
    assert list(found) == ["0.weight", "1.weight", "2.weight"]
    for number in (0, 1):
        weight = network[number].weight.detach().flatten(1)
        expected = weight.norm() ** 2 / torch.linalg.matrix_norm(weight, 2) ** 2
        assert found[f"{number}.weight"] == pytest.approx(expected.item(), rel=1e-4)
    assert found["2.weight"] is None
    with torch.no_grad():
        network[1].weight[0, 0] = math.nan
    assert stable_ranks(network)["1.weight"] is None


def reading_of(
    network: nn.Module, inputs: Tensor, make_probe: Callable, make_record: Callable
) -> object:
    metric = Rank()
    return metric.score(make_record(observations=[metric.observe(make_probe(network, inputs))]))


def test_collapsed_features_of_a_classifier_score_one(
    make_probe: Callable, make_record: Callable
) -> None:
    """Ten class means as far apart as can be: nine directions, all that ten classes need."""
    inputs = torch.eye(10).repeat(30, 1)
    reading = reading_of(nn.Linear(10, 10), inputs, make_probe, make_record)
    assert reading.value == pytest.approx(1.0)
    assert reading.details["effective_rank"] == pytest.approx(9.0)


def test_one_direction_scores_zero(make_probe: Callable, make_record: Callable) -> None:
    inputs = torch.randn(100, 1) * torch.ones(1, 8)
    assert reading_of(nn.Linear(8, 5), inputs, make_probe, make_record).value < 1e-3


def test_where_rank_says_nothing_there_is_no_value(
    make_probe: Callable, make_record: Callable
) -> None:
    inputs = torch.randn(20, 6)
    for network, word in (
        (nn.Linear(6, 2), "two classes"),
        (nn.Flatten(), "nn.Linear"),
        (nn.Sequential(nn.Linear(6, 1), nn.Linear(1, 5)), "two features"),
    ):
        reading = reading_of(network, inputs, make_probe, make_record)
        assert (reading.value, reading.applies) == (None, False)
        assert word in reading.reason
