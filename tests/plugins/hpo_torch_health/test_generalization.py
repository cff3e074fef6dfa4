from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from hpo_torch_health.generalization import Generalization, kept_share

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("train", "validation", "baseline", "expected"),
    [
        (0.9, 0.9, 0.1, 1.0),
        (1.0, 0.55, 0.1, 0.5),  # a gap of 0.45, half of the 0.9 there is to learn
        (1.0, 0.1, 0.1, 0.0),
        (1.0, 0.0, 0.5, 0.0),  # worse than the majority class
        (0.7, 0.8, 0.1, 1.0),  # dropout or wrong training labels: no gap
        (0.1, 0.1, 0.1, 1.0),  # has learnt nothing
    ],
)
def test_kept_share_by_hand(
    train: float, validation: float, baseline: float, expected: float
) -> None:
    assert kept_share(train, validation, baseline) == pytest.approx(expected)


def test_score_compares_the_probe_with_the_validation_pass(
    make_probe: Callable, make_record: Callable, make_validation: Callable
) -> None:
    network = nn.Identity()  # logits are the inputs
    train = torch.eye(4).repeat(75, 1)
    labels = torch.arange(300) % 4
    wrong = labels.clone()
    wrong[:60] = (wrong[:60] + 1) % 4  # a fifth of validation is not as the network says
    metric = Generalization()
    probe = make_probe(network, train, labels, make_validation(network, train, wrong))
    observed = metric.observe(probe)
    reading = metric.score(make_record(observations=[observed], baseline_accuracy=0.2))
    assert reading.value == pytest.approx(1 - 0.2 / 0.8)
    assert reading.details["gap"] == pytest.approx(0.2)
    assert reading.details["train_examples"] == reading.details["validation_examples"] == 300


def test_it_is_of_the_kept_epoch(make_record: Callable) -> None:
    seen = [{"train_accuracy": 0.5, "validation_accuracy": v} for v in (0.5, 0.0)]
    record = make_record(val_losses=(1.0, 1.0), observations=seen, kept_epoch=0)
    assert Generalization().score(record).value == 1.0


def test_without_validation_or_with_one_class_there_is_no_value(
    make_probe: Callable, make_record: Callable
) -> None:
    metric = Generalization()
    assert metric.observe(make_probe(nn.Identity(), torch.eye(3))) is None
    none = metric.score(make_record())
    assert (none.value, none.reason, none.applies) == (None, "no validation pass was made", True)
    seen = [{"train_accuracy": 1.0, "validation_accuracy": 1.0}]
    one = metric.score(make_record(observations=seen, baseline_accuracy=1.0))
    assert (one.value, one.applies) == (None, False)


def train(inputs: Tensor, labels: Tensor, *, dropout: float, weight_decay: float) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 2))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=weight_decay)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    return network


def test_an_overfitted_network_scores_below_a_regularised_one(
    make_probe: Callable, make_record: Callable, make_validation: Callable
) -> None:
    torch.manual_seed(1)
    inputs = torch.randn(2100, 20)
    labels = (inputs[:, 0] + 0.5 * torch.randn(2100) > 0).long()
    few, others = slice(0, 100), slice(100, None)
    values = []
    for dropout, decay in ((0.0, 0.0), (0.8, 100.0)):
        network = train(inputs[few], labels[few], dropout=dropout, weight_decay=decay)
        validation = make_validation(network, inputs[others], labels[others])
        metric = Generalization()
        observed = metric.observe(make_probe(network, inputs[few], labels[few], validation))
        record = make_record(observations=[observed], baseline_accuracy=0.5)
        values.append(metric.score(record).value)
    assert values[0] < values[1] - 0.1
