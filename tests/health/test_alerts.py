from __future__ import annotations

import math

from hpo_torch.health.alerts import training_alerts


def test_a_healthy_training_gives_no_alert() -> None:
    assert training_alerts([2.0, 1.0], [1.0] * 30 + [99.0]) == []


def test_the_first_loss_that_is_not_finite_is_named() -> None:
    alerts = training_alerts([1.0, math.nan, math.inf], [1.0])
    assert alerts == ["the training loss became nan at step 2"]


def test_gradients_that_are_not_finite_or_explode_are_told() -> None:
    assert training_alerts([1.0], [1.0, math.inf]) == ["a gradient was not finite"]
    assert training_alerts([1.0], [1.0] * 10 + [101.0]) == [
        "the gradient norm explodes: over 100 times its median so far"
    ]
    assert training_alerts([1.0], [1.0] * 9 + [101.0]) == []
