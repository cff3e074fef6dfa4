from __future__ import annotations

import math

import pytest

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.results.layer_figures import by_block, layer_figures, layers_of


def health(**details):
    return {name: HealthReading(value=0.5, details=found) for name, found in details.items()}


def test_chosen_figures_come_first_and_by_the_same_layers():
    readings = health(
        third_party={"count": 3, "names": ["a"], "share": {"conv1.conv": 1, "output": 0.5}},
        rank={"stable_rank": {"conv1.conv.weight": 3.0, "output.weight": 2.0}},
        update_ratios={"log10_ratio": {"network.conv1.conv.weight": -3.0}, "samples": 9},
        neuron_utilization={"units": {"conv1.activation": 8}, "alive": {"conv1.activation": 0.75}},
        generalization={"gap": 0.1},
    )
    figures = layer_figures(readings)
    assert [(figure.label, figure.values) for figure in figures] == [
        ("alive share", {"conv1": 0.75}),
        ("log10 step / weight", {"conv1": -3.0}),
        ("stable rank", {"conv1": 3.0, "output": 2.0}),
        ("third_party: share", {"conv1": 1.0, "output": 0.5}),
    ]
    assert layers_of(figures) == ["conv1", "output"]


def test_weights_of_a_block_are_its_largest_parameter():
    parameters = {
        "conv1.conv.weight": {"size": 72, "finite": 72, "rms": 0.5},
        "conv1.conv.bias": {"size": 8, "finite": 8, "rms": 9.0},
        "conv1.batch_norm.weight": {"size": 8, "finite": 8, "rms": 1.0},
        "output.weight": {"size": 20, "finite": 19},
        "output.bias": {"size": 2, "finite": 2, "rms": 9.0},
    }
    (figure,) = layer_figures(health(weight_distributions={"parameters": parameters}))
    assert figure.values["conv1"] == 0.5
    assert math.isnan(figure.values["output"])


@pytest.mark.parametrize(
    "details",
    [
        {"words": {"a": 1.0, "b": "text"}},
        {"flags": {"a": True}},
        {"empty": {}},
        {"unmeasured": {"a": None}},
        {"nested": {"a": {"b": 1.0}}},
    ],
)
def test_details_that_are_no_numbers_by_name_are_passed_over(details):
    assert layer_figures(health(other=details, rank=details)) == []


def test_values_that_json_wrote_as_words_are_read():
    details = {"decades": {"a": "NaN", "b": "-Infinity", "c": None, "d": 2.0}}
    (figure,) = layer_figures(health(gradient_health=details))
    assert list(figure.values) == ["a", "b", "c", "d"]
    assert math.isnan(figure.values["a"])
    assert math.isnan(figure.values["c"])
    assert (figure.values["b"], figure.values["d"]) == (-math.inf, 2.0)


def test_parts_of_one_block_keep_their_names():
    assert by_block({"res.conv_a": 1.0, "res.conv_b": 2.0, "out.linear": 3.0}) == {
        "res.conv_a": 1.0,
        "res.conv_b": 2.0,
        "out": 3.0,
    }


def test_layers_that_only_one_figure_has_stand_where_they_belong():
    readings = health(
        neuron_utilization={"alive": {"conv1.activation": 1.0, "hidden1.activation": 1.0}},
        gradient_health={
            "decades": {"embed": 0.0, "conv1.conv": 0.0, "hidden1.linear": 0.0, "output": 0.0}
        },
    )
    assert layers_of(layer_figures(readings)) == ["embed", "conv1", "hidden1", "output"]
