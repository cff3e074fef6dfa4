"""A forced activation is in the weights that are saved, not only in what is written about them."""

from __future__ import annotations

import pytest
from found_run import BEST_PICTURES
from torch import nn

SIMPLE = ("--mode", "simple")


def case(number, priority, name, module, trials):
    mark = pytest.mark.product(number, priority)
    return pytest.param(name, module, trials, id=f"{number}-{name}", marks=mark)


@pytest.mark.parametrize(
    ("name", "module", "trials"),
    [
        case("T017", "critical", "swish", nn.SiLU, 3),
        case("T018", "high", "relu", nn.ReLU, 3),
        case("T019", "high", "tanh", nn.Tanh, 3),
        case("T023", "medium", "leaky_relu", nn.LeakyReLU, 2),
    ],
)
def test_activation_is_everywhere(find, name, module, trials):
    run = find(*SIMPLE, "--plots", "best", "--trials", trials, "--activation", name)
    run.check_complete(trials)
    run.check_activation(name, module)
    run.check_pictures("plots", BEST_PICTURES)


@pytest.mark.product("T020", "high")
def test_t020_swish_without_plots(find):
    run = find(*SIMPLE, "--plots", "none", "--trials", "1", "--activation", "swish")
    run.check_complete(1)
    run.check_activation("swish", nn.SiLU)
    run.check_no_pictures()
