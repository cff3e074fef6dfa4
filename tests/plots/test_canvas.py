from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.canvas import canvas, legible, shape_words, show, show_photograph


def test_letters_that_the_font_lacks_become_squares():
    assert legible("größer → 良い\n𓀀") == "größer → □□\n□"


def test_shape_words():
    assert shape_words([16, 4, 6]) == "16 \N{MULTIPLICATION SIGN} 4 \N{MULTIPLICATION SIGN} 6"


def test_images_fill_a_square_and_keep_their_form():
    _, axes = canvas(4.0, 3.0, "title")
    assert show(axes, np.zeros((10, 20)), 1.0, 1.0, 2.0) == (2.0, 1.0)
    left, right, bottom, top = axes.images[0].get_extent()
    assert (left, right, bottom, top) == pytest.approx((1.0, 3.0, 2.5, 1.5))
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 4), (3, 0))


def test_photographs_are_coloured_or_grey():
    _, axes = canvas(4.0, 3.0, "title")
    pixels = np.full((2, 2, 3), 7, dtype=np.uint8)
    for channels in (3, 1, 2):
        show_photograph(axes, pixels[:, :, :channels], 0, 0, 1)
    shapes = [np.asarray(image.get_array()).shape for image in axes.images]
    assert shapes == [(2, 2, 3), (2, 2), (2, 2)]
    assert axes.images[1].get_clim() == (0, 255)
