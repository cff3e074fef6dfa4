from __future__ import annotations

import pytest

from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.grid import Grid, float_points, int_points
from hpo_torch.search.space import Constraint, Parameter, SearchSpace, When


def at_most_three(values):
    return "too deep" if values["pool"] == 3 and values["depth"] > 1 else None


SPACE = SearchSpace(
    "cnn",
    (
        Parameter("depth", Int(1, 2), 1, "Layers."),
        Parameter("pool", Choice((2, 3)), 2, "Pooling."),
        Parameter("optimizer", Choice(("adam", "sgd")), "adam", "Steps."),
        Parameter("momentum", Float(0.8, 1.0), 0.9, "Of SGD.", when=When("optimizer", ("sgd",))),
    ),
    Constraint(("depth", "pool"), at_most_three),
)


def test_points_are_even_with_both_ends():
    assert float_points(0.0, 1.0, 3) == (0.0, 0.5, 1.0)
    assert float_points(1e-4, 1e-2, 3, log=True) == pytest.approx((1e-4, 1e-3, 1e-2))
    assert float_points(0.0, 1.0, 1) == (0.5,)
    assert float_points(2.0, 2.0, 3) == (2.0,)
    assert int_points(1, 4, 4) == (1, 2, 3, 4)
    assert int_points(0, 10, 3) == (0, 5, 10)
    assert int_points(1, 100, 3, log=True) == (1, 10, 100)


def test_grid_has_each_combination_once_and_no_other():
    grid = Grid(SPACE, {}, points=3, seed=1)
    # (depth, pool) is (1, 2), (1, 3) or (2, implied 2); adam is one point, sgd three momenta.
    found = [tuple(sorted(grid.point(k).items(), key=str)) for k in range(grid.size)]
    assert grid.size == 3 * (1 + 3)
    assert len(set(found)) == grid.size
    assert {frozenset(grid.point(k)) for k in range(grid.size)} == {
        frozenset(names)
        for names in (
            {"depth", "pool", "optimizer"},
            {"depth", "pool", "optimizer", "momentum"},
            {"depth", "optimizer"},
            {"depth", "optimizer", "momentum"},
        )
    }


def test_grid_leaves_out_what_is_fixed():
    grid = Grid(SPACE, {"optimizer": "sgd", "momentum": 0.9}, points=3, seed=1)
    assert grid.size == 3
    assert all("momentum" not in grid.point(k) for k in range(3))


def test_grid_of_one_point_is_that_point():
    fixed = {"depth": 1, "pool": 2, "optimizer": "adam"}
    grid = Grid(SPACE, fixed, points=3, seed=1)
    assert (grid.size, grid.point(0)) == (1, {})


def test_order_depends_on_the_seed_alone():
    orders = [[Grid(SPACE, {}, 3, seed).point(k) for k in range(12)] for seed in (1, 1, 2, 3, 4, 5)]
    assert orders[0] == orders[1]
    assert any(order != orders[0] for order in orders[2:])


def test_huge_grid_is_counted_without_being_made():
    space = cnn_space((1, 28, 28), 48_000, 5, 20)
    grid = Grid(space, {}, points=3, seed=1)
    assert grid.size > 10**9
    assert grid.point(grid.size - 1) != grid.point(0)
