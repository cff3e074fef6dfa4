from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.layer_history import if_measured, layer_history
from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.results.layer_figures import as_profile


def history(epochs):
    return layer_history(epochs, "m", lambda details: as_profile(details.get("d")))


def reading(**values):
    return {"m": HealthReading(value=0.5, details={"d": values})}


def test_values_stand_by_layer_and_epoch(trained):
    _, epochs = trained([reading(a=1.0, b=2.0), reading(a=3.0, b=None), reading(b=6.0)])
    found = history(epochs)
    assert found.epochs == [1, 2, 3]
    assert found.layers == ["a", "b"]
    np.testing.assert_equal(found.values, [[1.0, 3.0, np.nan], [2.0, np.nan, 6.0]])
    np.testing.assert_equal(found.of("b"), [2.0, np.nan, 6.0])
    np.testing.assert_equal(found.of("c"), [np.nan] * 3)


def test_values_are_of_each_epochs_own_weights(trained):
    _, epochs = trained([reading(a=1.0), reading(a=1.0)])
    epochs[1] = epochs[1].model_copy(update={"epoch_health": reading(a=5.0)})
    assert history(epochs).values.tolist() == [[1.0, 5.0]]


def test_epoch_that_was_lost_leaves_a_gap(trained):
    _, epochs = trained([reading(a=1.0)] * 4)
    found = history([epochs[1], epochs[3]])
    assert found.epochs == [2, 3, 4]
    np.testing.assert_equal(found.values, [[1.0, np.nan, 1.0]])


def test_layer_that_appears_late_has_its_place_in_the_network(trained):
    _, epochs = trained([reading(a=1.0, c=1.0), reading(a=1.0, b=1.0, c=1.0)])
    assert history(epochs).layers == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("health", "why"),
    [
        ({}, "m was not measured"),
        ({"m": HealthReading(reason="the network has no gates")}, "m: the network has no gates"),
        ({"m": HealthReading(value=1.0)}, "m: nothing is known of the layers"),
    ],
    ids=["no metric", "reason", "no details"],
)
def test_nothing_measured_says_why(trained, health, why):
    _, epochs = trained([health])
    with pytest.raises(NothingToDrawError, match=f"^{why}$"):
        history(epochs)
    assert if_measured(history, epochs) is None
