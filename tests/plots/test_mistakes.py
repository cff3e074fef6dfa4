from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.plots.mistakes import confident_mistakes
from hpo_torch.results.mistakes import MOST_CHARACTERS, Mistakes, beginning

NAMES = ["cat", "No passing for vehicles over 3.5 metric tons, and $not$ a short name"]


def mistakes(count, **examples):
    return Mistakes(
        positions=np.arange(count),
        true=np.zeros(count, dtype=np.int64),
        predicted=np.ones(count, dtype=np.int64),
        probabilities=np.linspace(0.99, 0.5, count),
        **examples,
    )


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("count", [1, 24])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_their_classes_below(count, channels):
    images = np.zeros((count, 8, 5, channels), dtype=np.uint8)
    figure = confident_mistakes(mistakes(count, images=images), NAMES, 30)
    assert len(figure.axes[0].images) == count
    title, is_cat, taken, *_ = words(figure)
    assert title == f"The {count} most confident of 30 mistakes on the test set"
    assert is_cat == "is cat"
    first, second, probability = taken.split("\n")
    assert first.startswith("taken for No passing")
    assert "…" in first + second
    assert probability == "with 99.0 %"
    figure.draw_without_rendering()


def test_all_mistakes_are_said_to_be_all():
    figure = confident_mistakes(mistakes(2, texts=("a", "b")), NAMES, 2)
    assert words(figure)[0] == "All 2 mistakes on the test set, the most confident first"


def test_texts_are_wrapped_and_cut_ones_end_in_dots():
    texts = tuple(map(beginning, ("so " * 200, "line\n\nline", "")))
    figure = confident_mistakes(mistakes(3, texts=texts), NAMES, 500)
    _, heading, first, _, second, _, third = words(figure)
    assert heading.startswith("is cat, taken for No passing")
    assert heading.endswith(" with 99.0 %")
    assert first.count("\n") == 1
    assert first.endswith("…")
    assert (second, third) == ("line line", "(an empty text)")
    figure.draw_without_rendering()


def test_a_text_of_just_the_length_that_is_kept_is_whole():
    text = ("so " * MOST_CHARACTERS)[: MOST_CHARACTERS - 3] + "end"
    assert len(text) == MOST_CHARACTERS
    figure = confident_mistakes(mistakes(1, texts=(beginning(text),)), NAMES, 1)
    assert words(figure)[2].replace("\n", " ") == text


def test_no_more_than_twelve_texts_are_shown():
    figure = confident_mistakes(mistakes(24, texts=("text",) * 24), NAMES, 24)
    assert words(figure)[0].startswith("The 12 most confident of 24")
    assert words(figure).count("text") == 12
