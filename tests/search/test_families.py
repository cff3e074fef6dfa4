from __future__ import annotations

import pytest

from hpo_torch.errors import UnknownNameError
from hpo_torch.search.families import search_space


def test_search_space_of_cnn_knows_its_input():
    space = search_space("cnn", (1, 8, 8), 1437, 2, 7)

    assert space.family == "cnn"
    assert (space.parameter("epochs").domain.low, space.parameter("epochs").domain.high) == (2, 7)


def test_search_space_of_an_unknown_family_is_refused():
    with pytest.raises(UnknownNameError, match="unknown model family 'cmm'"):
        search_space("cmm", (1, 8, 8), 1437, 2, 7)
