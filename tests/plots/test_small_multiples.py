from __future__ import annotations

import numpy as np

from hpo_torch.plots.small_multiples import dress_figure, largest, left_out, small_multiples


def test_the_largest_are_in_order_and_of_equals_the_first():
    assert largest(np.array([0.5, 0.1, 0.9, 0.5]), 2) == [0, 2]
    assert largest(np.array([0.5, 0.1]), 5) == [0, 1]


def test_what_is_left_out_is_said_only_where_something_is():
    assert left_out(3, 3, "dead") == ""
    assert left_out(3, 4, "dead") == " (the 3 of 4 layers with most dead)"


def test_a_figure_has_one_title_and_a_legend_in_one_row():
    figure, (panel, _) = small_multiples([("a", ""), ("b", "")], 2, same_scale=True)
    lines = [panel.plot([1, 2], [0, 1], label=label)[0] for label in ("one", "other")]
    dress_figure(figure, "Title", lines, ylabel="units (%)")
    assert (figure.get_suptitle(), figure.get_supylabel()) == ("Title", "units (%)")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other"]
    figure.draw_without_rendering()
