from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.calibration import calibration
from hpo_torch.results.reliability import Reliability


def test_bars_are_the_share_of_right_ones_and_the_title_has_the_error():
    # As in tests/results/test_reliability.py, but for 0.26: (0.92 + 0.4 + 0.26) / 4 = 0.395.
    figure = calibration(
        Reliability.of(np.array([0.95, 0.6, 0.97, 0.26]), np.array([True, True, False, False]))
    )
    title = figure.get_suptitle()
    assert title.startswith("Expected calibration error 0.395 on 4 test examples\n")
    assert "right in 50.0 %, on average 69.5 % sure" in title
    assert "fewer than 1,000 examples" in title
    diagram, histogram = figure.axes
    bars = {
        round(bar.get_x() + bar.get_width() / 2, 3): bar.get_height() for bar in diagram.patches
    }
    assert bars == {round(3.5 / 15, 3): 0.0, round(8.5 / 15, 3): 1.0, round(14.5 / 15, 3): 0.5}
    right, wrong = histogram.containers
    assert [bar.get_height() for bar in right] == [0] * 8 + [1] + [0] * 5 + [1]
    assert [bar.get_height() for bar in wrong] == [0] * 3 + [1] + [0] * 10 + [1]
    figure.draw_without_rendering()


@pytest.mark.parametrize("examples", [1, 2000])
def test_no_note_with_many_examples(examples):
    figure = calibration(Reliability.of(np.full(examples, 1.0), np.full(examples, True)))
    assert ("part of the error is chance" in figure.get_suptitle()) == (examples < 1000)
    figure.draw_without_rendering()
