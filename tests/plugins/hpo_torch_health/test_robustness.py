from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from hpo_torch_health.robustness import Robustness, kept_skill

if TYPE_CHECKING:
    from collections.abc import Callable


def test_kept_skill_by_hand() -> None:
    # Skills with A0 = 0.2: clean 1, damaged 1/2 and 0, and one that gained counts as 1.
    damaged = {"a": 0.6, "b": 0.1, "c": 1.0}
    assert kept_skill(1.0, damaged, 0.2) == pytest.approx((0.5 + 0.0 + 1.0) / 3)
    assert kept_skill(0.6, {"a": 0.9}, 0.2) == 1.0


class ByPixel(nn.Module):
    """Class 1 where the mean of some pixels is above 0."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        score = images[..., : self.side, : self.side].mean((1, 2, 3))
        return torch.stack((-score, score), dim=1)


def reading_of(
    network: nn.Module, images: Tensor, labels: Tensor, fixtures: tuple[Callable, ...]
) -> object:
    make_probe, make_record, make_validation = fixtures
    metric = Robustness()
    validation = make_validation(network, images, labels)
    observed = metric.observe(make_probe(network, images, labels, validation))
    return metric.score(make_record(observations=[observed], baseline_accuracy=0.5))


def test_who_looks_at_one_pixel_is_less_robust_than_who_looks_at_all(
    make_probe: Callable, make_record: Callable, make_validation: Callable
) -> None:
    labels = torch.arange(256) % 2
    images = torch.randn(256, 1, 8, 8)
    images[..., 0, 0] = images[..., 0, 0].abs() * (2 * labels - 1).view(-1, 1)
    images += 0.5 * (2 * labels - 1).view(-1, 1, 1, 1)  # both clean answers are right
    fixtures = make_probe, make_record, make_validation
    one, all_of_them = (reading_of(ByPixel(side), images, labels, fixtures) for side in (1, 8))
    assert set(one.details["damaged"]) == {"noise", "shift", "contrast", "blur"}
    assert one.details["clean"] == all_of_them.details["clean"] == 1.0
    assert all_of_them.value > 0.99
    assert one.value < 0.95


def test_without_clean_skill_there_is_no_value(
    make_probe: Callable, make_record: Callable, make_validation: Callable
) -> None:
    fixtures = make_probe, make_record, make_validation
    reading = reading_of(ByPixel(8), torch.ones(20, 1, 8, 8), torch.arange(20) % 2, fixtures)
    assert (reading.value, reading.applies) == (None, True)
    assert reading.reason == "needs a skill of 0.1 without damage, found 0.000"


def test_inputs_without_known_damage_have_no_value(
    make_probe: Callable, make_record: Callable, make_validation: Callable
) -> None:
    fixtures = make_probe, make_record, make_validation
    reading = reading_of(nn.Identity(), torch.eye(2), torch.arange(2), fixtures)
    assert (reading.value, reading.applies) == (None, False)


def test_without_validation_nothing_is_observed(
    make_probe: Callable, make_record: Callable
) -> None:
    assert Robustness().observe(make_probe(nn.Identity(), torch.eye(2))) is None
    assert Robustness().score(make_record()).reason == "no validation pass was made"
