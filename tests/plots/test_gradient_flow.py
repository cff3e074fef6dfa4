from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.gradient_flow import gradient_flow
from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.plots.style import Look, dressed
from hpo_torch.protocol.measurements import HealthReading


def readings(count, layers=3, *, broken=()):
    """Layer i of n has i - n + 1 decades, one epoch after the other a tenth further off."""
    return [
        {
            "gradient_health": HealthReading(
                value=0.5,
                details={
                    "decades": {
                        f"conv{i}.conv": None if epoch in broken else (i - layers + 1) * epoch / 10
                        for i in range(layers)
                    }
                },
            )
        }
        for epoch in range(1, count + 1)
    ]


def panels(figure):
    heat, depth = figure.axes[:2]
    return heat, depth


def test_heat_map_holds_the_decades_of_every_layer_and_epoch(trained):
    heat, _ = panels(gradient_flow(*trained(readings(4))))
    (image,) = heat.images
    expected = [[-0.2, -0.4, -0.6, -0.8], [-0.1, -0.2, -0.3, -0.4], [0.0] * 4]
    np.testing.assert_allclose(image.get_array(), expected)
    assert image.get_extent() == [0.5, 4.5, 2.5, -0.5]
    assert [label.get_text() for label in heat.get_yticklabels()] == ["conv0", "conv1", "conv2"]
    # Zero has the middle colour: neither vanishing nor exploding.
    assert (image.norm.vmin, image.norm.vmax) == (-1.0, 1.0)


def test_few_cells_have_their_numbers_and_many_have_none(trained):
    heat, _ = panels(gradient_flow(*trained(readings(2, layers=2))))
    assert sorted(text.get_text() for text in heat.texts) == ["-0.1", "-0.2", "0.0", "0.0"]
    heat, _ = panels(gradient_flow(*trained(readings(13, layers=2))))
    assert len(heat.texts) == 0


@pytest.mark.parametrize(("count", "shown"), [(5, [1, 3, 5]), (2, [1, 2]), (1, [1])])
def test_lines_over_depth_are_of_the_first_middle_and_last_epoch(trained, count, shown):
    _, depth = panels(gradient_flow(*trained(readings(count))))
    lines = [line for line in depth.lines if line.get_label().startswith("epoch")]
    assert [line.get_label() for line in lines] == [f"epoch {epoch}" for epoch in shown]
    assert list(lines[-1].get_xdata()) == pytest.approx([-0.2 * count, -0.1 * count, 0.0])
    assert list(lines[-1].get_ydata()) == [0, 1, 2]


def test_epochs_without_gradients_are_plain_cells_and_no_lines(trained):
    heat, depth = panels(gradient_flow(*trained(readings(4, broken={3, 4}))))
    assert np.ma.getmaskarray(heat.images[0].get_array())[:, 2:].all()
    assert heat.get_xlabel() == "epoch (plain cells: not measured)"
    labels = [line.get_label() for line in depth.lines]
    assert "epoch 2" in labels
    assert "epoch 4" not in labels


def test_trial_whose_gradients_were_never_finite_has_nothing_to_draw(trained):
    with pytest.raises(NothingToDrawError, match="gradient_health: nothing is known"):
        gradient_flow(*trained(readings(2, broken={1, 2})))


def test_colours_end_where_gradients_are_broken(trained):
    heat, _ = panels(gradient_flow(*trained(readings(40, layers=40))))
    assert heat.images[0].norm.vmax == 6.0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("count", "layers"), [(1, 1), (3, 40), (2, 130)])
def test_one_epoch_and_many_layers_are_drawn_without_a_warning(trained, count, layers, dark):
    with dressed(Look(dark=dark)):
        figure = gradient_flow(*trained(readings(count, layers=layers)))
        figure.draw_without_rendering()
    assert len(figure.axes[0].get_yticks()) == (layers if layers <= 60 else 44)
