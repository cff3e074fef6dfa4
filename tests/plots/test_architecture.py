from __future__ import annotations

import pytest
from matplotlib.patches import Rectangle
from scored_model import cnn, lstm

from hpo_torch.plots.architecture import architecture, group_layers, setting
from hpo_torch.plots.canvas import TIMES


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_layers_of_a_module_are_one_group():
    groups = [[layer.name for layer in group] for group in group_layers(cnn().layers)]
    assert groups == [["conv1.conv", "conv1.activation", "conv1.pool"], ["flatten"], ["output"]]
    groups = [[layer.name for layer in group] for group in group_layers(lstm().layers)]
    assert groups == [
        ["embedding"],
        ["text_dropout"],
        ["lstm.0.forwards", "lstm.0.backwards"],
        ["recurrent_dropout"],
        ["head.output"],
    ]


def test_settings_are_what_matters_of_a_layer():
    assert [setting(layer) for layer in cnn().layers] == [
        f"3 {TIMES} 3",
        "",
        f"2 {TIMES} 2",
        "",
        "",
    ]
    assert [setting(layer) for layer in lstm().layers] == ["10 tokens", "0.3", "", "", "0.2", ""]


def test_diagram_of_a_cnn_has_shapes_and_parameters():
    figure = architecture(cnn())
    said = words(figure)
    assert said[0] == "739 trainable parameters"
    for expected in (
        "conv1",
        f"Conv2d  3 {TIMES} 3",
        f"16 {TIMES} 4 {TIMES} 6",
        "448",
        "61 %",
        "flatten",
        "96",
        "39 %",
    ):
        assert expected in said
    shares = [
        patch.get_width() / 1.15
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_x() == pytest.approx(6.5)
    ]
    assert shares == pytest.approx([1, 448 / 739, 1, 291 / 739])
    figure.draw_without_rendering()


def test_diagram_of_an_lstm_says_how_it_pools_once():
    said = words(architecture(lstm(), "max"))
    assert said.count("max over time") == 1
    assert said.index("recurrent_dropout") < said.index("max over time") < said.index("head.output")
    assert {"LSTM  (forwards)", "LSTM  (backwards)", "a text of so many tokens"} <= set(said)
    assert not any("over time" in word for word in words(architecture(cnn())))
