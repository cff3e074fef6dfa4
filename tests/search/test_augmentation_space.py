from __future__ import annotations

import pytest

from hpo_torch.errors import InvalidValueError
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.families import search_space


def test_flip_is_searched_only_where_mirrored_images_keep_their_class():
    with_flips = search_space("cnn", (3, 32, 32), 40_000, 5, 20, flips=True)
    without = search_space("cnn", (3, 32, 32), 40_000, 5, 20)
    assert with_flips.parameter("augment_flip").domain.options() == (False, True)
    assert without.parameter("augment_flip").domain.options() == (False,)


def test_flip_fixed_where_it_must_not_be_says_why():
    space = cnn_space((1, 28, 28), 60_000, 5, 20)
    with pytest.raises(InvalidValueError, match=r"augment_flip: expected one of false, got .*sign"):
        space.check_fixed({"augment_flip": "true"})
    assert space.check_fixed({"augment_flip": "false"}) == {"augment_flip": False}
    allowed = cnn_space((1, 28, 28), 60_000, 5, 20, flips=True)
    assert allowed.check_fixed({"augment_flip": "true"}) == {"augment_flip": True}


@pytest.mark.parametrize(
    ("shape", "furthest"),
    [((3, 32, 32), 4), ((1, 8, 8), 2), ((1, 8, 40), 2), ((1, 3, 3), 0)],
    ids=str,
)
def test_shift_is_searched_up_to_a_quarter_of_the_shorter_side(shape, furthest):
    shift = cnn_space(shape, 1000, 1, 2).parameter("augment_shift")
    assert (shift.domain.low, shift.domain.high) == (0, furthest)
    with pytest.raises(InvalidValueError, match="augment_shift"):
        shift.convert(min(shape[1:]))  # nothing of the image would be left


@pytest.mark.parametrize("name", ["augment_crop", "augment_cutout", "augment_colour"])
def test_sizes_may_be_fixed_between_the_searched_ones(name):
    space = cnn_space((3, 32, 32), 1000, 1, 2)
    assert space.check_fixed({name: "0.1"}) == {name: 0.1}
    assert space.check_fixed({name: 0}) == {name: 0.0}
    with pytest.raises(InvalidValueError, match=name):
        space.check_fixed({name: -0.1})
