from __future__ import annotations

import numpy as np
import pytest
from scored_model import NAMES, maps

from hpo_torch.plots.canvas import TIMES
from hpo_torch.plots.feature_maps import activation_maps, filter_colours, first_filters
from hpo_torch.results.activation_maps import ActivationMaps, BlockMaps


def test_colours_have_zero_in_the_middle_and_a_scale_for_each_filter():
    filters = np.zeros((2, 3, 1, 2), dtype=np.float32)
    filters[0, :, 0, 0] = [4, -2, 0]
    filters[1, :, 0, 1] = [0.1, 0.1, -0.1]
    colours = filter_colours(filters)
    assert colours.shape == (2, 1, 2, 3)
    assert colours[0, 0].tolist() == [[1.0, 0.25, 0.5], [0.5, 0.5, 0.5]]
    assert colours[1, 0, 1] == pytest.approx([1, 1, 0])


def test_filters_of_other_channels_are_grey_and_dead_ones_the_middle():
    filters = np.zeros((2, 1, 2, 2), dtype=np.float32)
    filters[0, 0, 0, 1] = -3
    assert filter_colours(filters).tolist() == [[[0.5, 0.0], [0.5, 0.5]], [[0.5] * 2] * 2]
    assert filter_colours(np.ones((1, 2, 1, 1), dtype=np.float32)).tolist() == [[[1.0]]]


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (20, 20), (512, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_at_most_64_filters_are_shown(count, shown, channels):
    filters = np.random.default_rng(0).normal(size=(count, channels, 5, 5)).astype(np.float32)
    figure = first_filters(ActivationMaps(filters=filters))
    assert len(figure.axes[0].images) == shown
    some = "first 64 of 512" if count == 512 else str(count)
    assert (
        figure.axes[0].texts[0].get_text() == f"The {some} filters of the first layer, 5 {TIMES} 5"
    )
    assert figure.axes[0].texts[1].get_text().startswith("the weights of red") == (channels == 3)
    figure.draw_without_rendering()


def test_few_filters_are_drawn_twice_as_large():
    filters = np.random.default_rng(0).normal(size=(17, 1, 3, 3)).astype(np.float32)
    few, many = (first_filters(ActivationMaps(filters=filters[:count])) for count in (8, 17))
    (left, right, *_), (start, end, *_) = (f.axes[0].images[0].get_extent() for f in (few, many))
    assert right - left == pytest.approx(2 * (end - start) + 0.1)  # the gap between two is theirs
    width, height = few.get_size_inches()
    assert width == pytest.approx(many.get_size_inches()[0])
    assert height > 4


def test_maps_of_a_block_share_one_scale():
    kept = maps()
    figure = activation_maps(kept, kept.image, NAMES)
    photograph, *blocks = figure.axes[0].images
    assert len(blocks) == 16
    assert {image.get_clim() for image in blocks} == {(0.0, 1.0)}
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said[0] == "What the network sees in an image of class fox"
    assert f"first 16 of\n20 maps,\n4 {TIMES} 6" in said
    left, right, bottom, top = photograph.get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(6 / 4)
    figure.draw_without_rendering()


def test_maps_that_are_no_numbers_are_drawn():
    maps_of_nothing = np.full((1, 2, 2), np.nan, dtype=np.float16)
    kept = ActivationMaps(
        filters=maps().filters,
        image=np.zeros((2, 2, 1), dtype=np.uint8),
        label=0,
        blocks=(BlockMaps("conv1", 1, maps_of_nothing),),
    )
    activation_maps(kept, kept.image, NAMES).draw_without_rendering()
