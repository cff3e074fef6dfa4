from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.array_files import read_arrays, write_arrays
from hpo_torch.results.mistakes import MOST_CHARACTERS, Mistakes, beginning

COLUMNS = {
    "positions": np.array([7, 2]),
    "true": np.array([0, 1]),
    "predicted": np.array([1, 0]),
    "probabilities": np.array([0.9, 0.6], dtype=np.float32),
}


@pytest.mark.parametrize(
    "examples",
    [{"images": np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)}, {"texts": ("good 良い", "")}],
    ids=["images", "texts"],
)
def test_file_holds_what_was_written(examples, tmp_path):
    Mistakes(**COLUMNS, **examples).write(tmp_path / "m.npz")
    kept = Mistakes.read(tmp_path / "m.npz")
    assert len(kept) == 2
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(getattr(kept, name), column)
    assert kept.texts == examples.get("texts")
    if "images" in examples:
        np.testing.assert_array_equal(kept.images, examples["images"])


def test_model_without_mistakes_leaves_an_empty_file(tmp_path):
    Mistakes(**{name: column[:0] for name, column in COLUMNS.items()}, texts=()).write(
        tmp_path / "m.npz"
    )
    kept = Mistakes.read(tmp_path / "m.npz")
    assert (len(kept), kept.texts, kept.images) == (0, (), None)


def test_columns_of_different_lengths_are_damaged(tmp_path):
    Mistakes(**COLUMNS, texts=("a", "b")).write(tmp_path / "m.npz")
    arrays = read_arrays(tmp_path / "m.npz")
    write_arrays(tmp_path / "m.npz", arrays | {"texts": np.array(["a"])})
    with pytest.raises(OutputError, match="lengths"):
        Mistakes.read(tmp_path / "m.npz")


def test_only_a_text_that_is_too_long_is_cut_and_says_so():
    whole = "a" * MOST_CHARACTERS
    assert (beginning(whole), beginning("")) == (whole, "")
    cut = beginning(whole + "b")
    assert (len(cut), cut) == (MOST_CHARACTERS, "a" * (MOST_CHARACTERS - 2) + " …")
