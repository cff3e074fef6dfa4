from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.dead_units import dead_units
from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.plots.style import VERMILION
from hpo_torch.protocol.measurements import HealthReading

A, B = "conv1.activation", "hidden1.activation"


def alive(*shares, units=8):
    names = [A, B, *(f"more{index}.activation" for index in range(len(shares) - 2))]
    details = {
        "alive": dict(zip(names, shares, strict=False)),
        "units": dict.fromkeys(names, units),
    }
    return {"neuron_utilization": HealthReading(value=0.5, details=details)}


def dormant(share):
    details = {"dormant_share_0.025": {A: share, B: 0.0}}
    return {"dormancy": HealthReading(value=0.5, details=details)}


def titled(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def line_of(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line.get_ydata()


def test_every_layer_has_a_panel_with_its_dead_share_in_percent(trained):
    panels = titled(dead_units(*trained([alive(1.0, 0.5), alive(0.75, 0.25)])))
    assert list(panels) == ["conv1 (8 units)", "hidden1 (8 units)"]
    assert list(line_of(panels["conv1 (8 units)"], "dead units")) == [0.0, 25.0]
    assert list(line_of(panels["hidden1 (8 units)"], "dead units")) == [50.0, 75.0]


def test_dormant_share_stands_beside_where_it_was_measured(trained):
    with_dormant = [alive(1.0, 1.0) | dormant(0.1), alive(1.0, 1.0)]
    panel = titled(dead_units(*trained(with_dormant)))["conv1 (8 units)"]
    np.testing.assert_equal(line_of(panel, "dormant units"), [10.0, np.nan])
    without = titled(dead_units(*trained([alive(1.0, 1.0)])))["conv1 (8 units)"]
    assert "dormant units" not in [line.get_label() for line in without.lines]


def test_panels_share_a_scale_that_a_few_dead_units_do_not_fill(trained):
    panels = dead_units(*trained([alive(1.0, 0.99)])).axes
    assert [axes.get_ylim() for axes in panels] == [pytest.approx((-0.25, 5.0))] * 2


def test_layer_that_is_dead_in_the_end_is_named_so(trained):
    panels = titled(dead_units(*trained([alive(1.0, 1.0), alive(0.0, 1.0)])))
    assert list(panels) == ["conv1 (8 units): all dead", "hidden1 (8 units)"]
    assert panels["conv1 (8 units): all dead"]._left_title.get_color() == VERMILION


def test_kept_epoch_is_marked(trained):
    trial, epochs = trained([alive(1.0, 1.0)] * 5)
    for axes in dead_units(trial, epochs).axes:
        (line,) = [line for line in axes.lines if line.get_label() == "kept epoch"]
        assert list(line.get_xdata()) == [trial.kept_epoch] * 2


def test_of_very_many_layers_those_with_most_dead_are_shown(trained):
    # Layer i of 60 has i dead units of 100: the last 48 have most.
    shares = [1 - index / 100 for index in range(60)]
    figure = dead_units(*trained([alive(*shares, units=100)]))
    figure.draw_without_rendering()
    names = list(titled(figure))
    assert len(names) == 48
    assert names[0] == "more10 (100 units)"
    assert names[-1] == "more57 (100 units)"
    assert figure.get_suptitle().endswith("(the 48 of 60 layers with most dead)")


def test_nothing_is_drawn_of_a_network_without_activations(trained):
    reading = HealthReading(reason="no activation modules found", applies=False)
    with pytest.raises(NothingToDrawError, match="neuron_utilization: no activation modules found"):
        dead_units(*trained([{"neuron_utilization": reading}]))
