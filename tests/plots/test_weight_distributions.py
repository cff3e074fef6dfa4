from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.plots.style import BLUE, ORANGE, VERMILION
from hpo_torch.plots.weight_distributions import weight_distributions
from hpo_torch.protocol.measurements import HealthReading

QUANTILES = [-2.0, -1.0, 0.25, 1.0, 3.0]


def parameter(size=10, quantiles=None):
    if quantiles is None:
        return {"size": size, "finite": size - 1}
    return {"size": size, "finite": size, "quantiles": quantiles}


def reading(**parameters):
    named = {name.replace("__", "."): each for name, each in parameters.items()}
    return {"weight_distributions": HealthReading(value=1.0, details={"parameters": named})}


def layers(count):
    names = [f"f{i}__conv__{kind}" for i in range(count) for kind in ("weight", "bias")]
    sizes = [1000 + i if name.endswith("weight") else 8 for i, name in enumerate(names)]
    return reading(
        **{name: parameter(size, QUANTILES) for name, size in zip(names, sizes, strict=True)}
    )


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_bands_are_between_the_outer_and_the_inner_quantiles(trained):
    later = [2 * value for value in QUANTILES]
    (axes,) = weight_distributions(
        *trained(
            [
                reading(conv1__conv__weight=parameter(quantiles=QUANTILES)),
                reading(conv1__conv__weight=parameter(quantiles=later)),
            ]
        )
    ).axes
    outer, inner = (band.get_paths()[0].vertices for band in axes.collections)
    assert (outer[:, 1].min(), outer[:, 1].max()) == (-4.0, 6.0)
    assert (inner[:, 1].min(), inner[:, 1].max()) == (-2.0, 2.0)
    median = axes.lines[1]
    assert list(median.get_xdata()) == [1, 2]
    assert list(median.get_ydata()) == [0.25, 0.5]


def test_names_are_short_and_tell_the_number_of_values(trained):
    figure = weight_distributions(
        *trained(
            [
                reading(
                    conv1__conv__weight=parameter(288, QUANTILES),
                    conv1__conv__bias=parameter(32, QUANTILES),
                    lstm__0__forwards__weight_ih_l0=parameter(8192, QUANTILES),
                )
            ]
        )
    )
    assert titles(figure) == [
        "conv1.weight (288)",
        "conv1.bias (32)",
        "lstm.0.forwards.weight_ih (8192)",
    ]


def test_weights_and_biases_have_their_own_colours(trained):
    weight, bias = weight_distributions(*trained([layers(1)])).axes
    assert (weight.lines[1].get_color(), bias.lines[1].get_color()) == (BLUE, ORANGE)


def test_normalisation_is_left_out_and_that_is_said(trained):
    found = reading(
        conv1__conv__weight=parameter(quantiles=QUANTILES),
        conv1__batch_norm__weight=parameter(quantiles=QUANTILES),
        conv1__batch_norm__bias=parameter(quantiles=QUANTILES),
    )
    figure = weight_distributions(*trained([found]))
    assert titles(figure) == ["conv1.weight (10)"]
    assert figure.get_suptitle().endswith("(left out: 2 of normalisation)")


def test_of_very_many_parameters_the_largest_weights_are_shown(trained):
    figure = weight_distributions(*trained([layers(60)]))
    figure.draw_without_rendering()
    # Later layers are larger: 12 of 60 weights and all 60 biases are left out.
    assert titles(figure) == [f"f{i}.weight ({1000 + 2 * i})" for i in range(12, 60)]
    assert figure.get_suptitle().endswith("(left out: 72 others)")


def test_epochs_that_are_not_finite_are_marked(trained):
    figure = weight_distributions(
        *trained(
            [
                reading(output__weight=parameter(quantiles=QUANTILES)),
                reading(output__weight=parameter()),
                reading(output__weight=parameter()),
            ],
            diverged_from=2,
        )
    )
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert titles(figure) == ["output.weight (10): not finite"]
    assert axes.lines[-2].get_marker() == "x"
    assert axes.lines[-2].get_color() == VERMILION
    assert list(axes.lines[-2].get_xdata()) == [2, 3]
    np.testing.assert_equal(axes.lines[1].get_ydata(), [0.25, np.nan, np.nan])


def test_one_epoch_has_bands_with_some_width(trained):
    axes = weight_distributions(*trained([layers(1)])).axes[0]
    x = axes.collections[0].get_paths()[0].vertices[:, 0]
    assert (x.min(), x.max()) == (pytest.approx(0.7), pytest.approx(1.3))


def test_nothing_is_drawn_where_weights_were_not_measured(trained):
    with pytest.raises(NothingToDrawError, match="weight_distributions was not measured"):
        weight_distributions(*trained([{}]))
