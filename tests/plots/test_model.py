from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from hpo_torch.plots.model import confusion_matrix, row_shares
from hpo_torch.results.records import TestReport


def test_row_shares_agree_with_sklearn():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    counts = sklearn_confusion_matrix(true, predicted).tolist()
    expected = sklearn_confusion_matrix(true, predicted, normalize="true")
    np.testing.assert_allclose(row_shares(counts), expected)


def test_row_shares_of_a_class_without_examples_are_nan():
    shares = row_shares([[3, 1], [0, 0]])
    assert shares[0].tolist() == [0.75, 0.25]
    assert np.isnan(shares[1]).all()


def test_confusion_matrix_shows_shares_numbers_and_names_of_few_classes(make_report):
    matrix, pairs, _ = confusion_matrix(make_report(10)).axes
    shares = np.asarray(matrix.images[0].get_array())
    assert shares[0].tolist() == pytest.approx([0.9, 0.07, 0.03] + [0.0] * 7)
    numbers = {text.get_position(): text.get_text() for text in matrix.texts}
    assert len(numbers) == 30
    assert (numbers[(0, 0)], numbers[(1, 0)], numbers[(0, 9)]) == ("90", "7", "7")
    assert matrix.get_xticklabels()[3].get_text() == "class 3"
    assert pairs.texts[0].get_text().startswith("7 (7.0 %)  class 0\n     taken for class 1\n")


@pytest.mark.parametrize("classes", [43, 100])
def test_confusion_matrix_of_many_classes_numbers_its_columns(make_report, classes):
    names = [f"No passing for vehicles over 3.5 metric tons {index}" for index in range(classes)]
    matrix = confusion_matrix(make_report(classes, names=names)).axes[0]
    assert matrix.images[0].get_array().shape == (classes, classes)
    assert len(matrix.texts) == 0
    assert [label.get_text() for label in matrix.get_xticklabels()][:3] == ["0", "1", "2"]
    rows = [label.get_text() for label in matrix.get_yticklabels()]
    assert len(rows) == classes
    assert rows[7].startswith("No passing")
    assert rows[7].endswith("tons 7  7")


def test_confusion_matrix_names_accuracy_and_interval(make_report):
    figure = confusion_matrix(make_report(10))
    # 900 of 1000: (0.8799, 0.9171) by test_wilson's reference.
    assert figure.get_suptitle() == (
        "Test accuracy 90.00 % (95 % interval 87.98 to 91.71 %, 1000 examples)"
    )


def test_confusion_matrix_draws_names_with_dollars_and_empty_classes():
    report = TestReport.from_confusion([[2, 0], [0, 0]], ["$5 \\frac$", "{x}_2"], 0.1)
    figure = confusion_matrix(report)
    figure.draw_without_rendering()  # as mathematics the names would not parse
    assert "no example was confused" in figure.axes[1].texts[0].get_text()
