from __future__ import annotations

import pytest

from hpo_torch.plots.gate_saturation import gate_saturation
from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.protocol.measurements import HealthReading

GATES = ("input", "forget", "output")


def reading(**shares):
    """Of each layer: (shut, open) shares of the input gate; the others have twice and thrice."""
    gates = {
        name.replace("__", "."): {
            "shut": {gate: shut * factor for factor, gate in enumerate(GATES, 1)},
            "open": {gate: opened * factor for factor, gate in enumerate(GATES, 1)},
        }
        for name, (shut, opened) in shares.items()
    }
    return {"gate_saturation": HealthReading(value=0.9, details={"gates": gates})}


def titled(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def percents(axes, start):
    (line,) = [line for line in axes.lines if line.get_label().startswith(start)]
    return list(line.get_ydata())


def test_each_layer_has_a_row_and_each_gate_a_column(trained):
    first = reading(lstm__0__forwards__l0=(0.1, 0.2), lstm__0__backwards__l0=(0.0, 0.05))
    second = reading(lstm__0__forwards__l0=(0.2, 0.1), lstm__0__backwards__l0=(0.01, 0.0))
    panels = titled(gate_saturation(*trained([first, second])))
    assert list(panels) == [
        f"lstm.0.{direction}: {gate} gate"
        for direction in ("forwards", "backwards")
        for gate in GATES
    ]
    forget = panels["lstm.0.forwards: forget gate"]
    assert percents(forget, "shut") == pytest.approx([20.0, 40.0])
    assert percents(forget, "open") == pytest.approx([40.0, 20.0])
    output = panels["lstm.0.backwards: output gate"]
    assert percents(output, "shut") == pytest.approx([0.0, 3.0])
    assert percents(output, "open") == pytest.approx([15.0, 0.0])


def test_layers_of_one_module_keep_their_own_names(trained):
    panels = titled(gate_saturation(*trained([reading(rnn__l0=(0.1, 0.1), rnn__l1=(0.1, 0.1))])))
    assert list(panels)[::3] == ["rnn.l0: input gate", "rnn.l1: input gate"]


def test_of_very_many_layers_the_most_saturated_are_shown(trained):
    many = {f"lstm__{layer}__l0": (layer / 1000, 0.0) for layer in range(20)}
    figure = gate_saturation(*trained([reading(**many)]))
    figure.draw_without_rendering()
    assert list(titled(figure))[::3] == [f"lstm.{layer}: input gate" for layer in range(4, 20)]
    assert figure.get_suptitle().endswith("(the 16 of 20 layers with most saturation)")


def test_network_without_gates_says_so(trained):
    reading = HealthReading(reason="the network has no nn.LSTM", applies=False)
    with pytest.raises(NothingToDrawError, match=r"the network has no nn\.LSTM"):
        gate_saturation(*trained([{"gate_saturation": reading}]))
