from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.array_files import write_arrays
from hpo_torch.results.predictions import Predictions, probability_type


@pytest.fixture
def predictions():
    """Right: 0 (0.8), 3 (0.9), 5 (0.9). Wrong: 1 (0.7), 2 (0.99), 4 (0.7)."""
    first = np.array([0.8, 0.7, 0.01, 0.1, 0.3, 0.9], dtype=np.float32)
    return Predictions(np.stack([first, 1 - first], axis=1), np.array([0, 1, 0, 1, 0, 0]))


def test_predicted_class_is_the_most_probable(predictions):
    assert predictions.predicted.tolist() == [0, 0, 1, 1, 1, 0]
    assert predictions.correct.tolist() == [True, False, False, True, False, True]
    assert predictions.confidences.tolist() == pytest.approx([0.8, 0.7, 0.99, 0.9, 0.7, 0.9])


def test_confident_mistakes_fall_and_equal_ones_keep_their_order(predictions):
    assert predictions.confident_mistakes(24).tolist() == [2, 1, 4]
    assert predictions.confident_mistakes(2).tolist() == [2, 1]


def test_surest_correct_is_the_first_of_the_most_confident(predictions):
    assert predictions.surest_correct() == 3
    wrong = Predictions(predictions.probabilities, 1 - predictions.predicted)
    assert wrong.surest_correct() is None


def test_outputs_that_are_no_numbers_are_neither(predictions):
    predictions.probabilities[2:4] = np.nan
    assert predictions.confident_mistakes(24).tolist() == [1, 4]
    assert predictions.surest_correct() == 5


def test_file_holds_what_was_written(predictions, tmp_path):
    predictions.write(tmp_path / "p.npz")
    kept = Predictions.read(tmp_path / "p.npz")
    assert kept.probabilities.dtype == np.float32
    np.testing.assert_array_equal(kept.probabilities, predictions.probabilities)
    np.testing.assert_array_equal(kept.labels, predictions.labels)


def test_file_of_other_shapes_is_damaged(tmp_path):
    write_arrays(tmp_path / "p.npz", {"probabilities": np.ones((3, 2)), "labels": np.ones(4)})
    with pytest.raises(OutputError, match=r"shapes \(\(3, 2\), \(4,\)\)"):
        Predictions.read(tmp_path / "p.npz")


def test_huge_sets_are_kept_in_half_precision():
    assert probability_type(25_000, 2) is np.float32
    assert probability_type(1 << 20, 64) is np.float32
    assert probability_type((1 << 20) + 1, 64) is np.float16
