from __future__ import annotations

import pytest
import torch

from hpo_torch.errors import UnknownNameError
from hpo_torch.models.build import build_network
from hpo_torch.search.families import search_space


def test_build_network_builds_the_default_of_its_family():
    shape = (3, 32, 32)
    values = search_space("cnn", shape, 50_000, 5, 20).defaults({})

    network = build_network("cnn", values, shape, 43)

    assert network(torch.zeros(2, *shape)).shape == (2, 43)


def test_build_network_refuses_an_unknown_family():
    with pytest.raises(UnknownNameError, match="unknown model family 'mlp'"):
        build_network("mlp", {}, (1, 8, 8), 10)
