from __future__ import annotations

import pytest

from hpo_torch.study.search_notes import grid_note


@pytest.mark.parametrize(
    ("size", "trials", "note"),
    [
        (8, 10, "the grid has 8 points"),
        (
            2_000_000,
            100,
            "the grid has 2,000,000 points; 100 trials cover 5e-05 of it. Fix or narrow "
            "hyperparameters, or take sampler qmc",
        ),
    ],
)
def test_grid_note_says_how_much_is_covered(size, trials, note):
    assert grid_note(size, trials) == note
