"""A forced activation is in the weights that are saved, not only in what is written about them."""

from __future__ import annotations

import pytest
from found_run import BEST_PICTURES
from torch import nn

SIMPLE = ("--mode", "simple")


@pytest.mark.product("T017", "critical")
def test_t017_swish_everywhere(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "3", "--activation", "swish")
    run.check_complete(3)
    run.check_activation("swish", nn.SiLU)
    run.check_pictures("plots", BEST_PICTURES)


@pytest.mark.product("T018", "high")
def test_t018_relu_everywhere(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "3", "--activation", "relu")
    run.check_complete(3)
    run.check_activation("relu", nn.ReLU)
    run.check_pictures("plots", BEST_PICTURES)


@pytest.mark.product("T019", "high")
def test_t019_tanh_everywhere(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "3", "--activation", "tanh")
    run.check_complete(3)
    run.check_activation("tanh", nn.Tanh)
    run.check_pictures("plots", BEST_PICTURES)


@pytest.mark.product("T020", "high")
def test_t020_swish_without_plots(find):
    run = find(*SIMPLE, "--plots", "none", "--trials", "1", "--activation", "swish")
    run.check_complete(1)
    run.check_activation("swish", nn.SiLU)
    run.check_no_pictures()


@pytest.mark.product("T023", "medium")
def test_t023_leaky_relu_everywhere(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "2", "--activation", "leaky_relu")
    run.check_complete(2)
    run.check_activation("leaky_relu", nn.LeakyReLU)
    run.check_pictures("plots", BEST_PICTURES)
