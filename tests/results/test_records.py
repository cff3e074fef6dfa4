from __future__ import annotations

import json
import math

import pytest
from pydantic import ValidationError
from scipy.stats import binomtest

from hpo_torch.errors import InvalidValueError, OutputError
from hpo_torch.results.records import KeyFigures, TestReport, TrialResult, read_record


def test_trial_result_survives_json(make_trial, make_epoch):
    epochs = [make_epoch(1, train_loss=math.inf, val_loss=-math.inf)]
    trial = make_trial(epochs=epochs, hyperparameters={"rate": 1e-5, "blocks": 3, "skip": True})
    assert TrialResult.model_validate_json(trial.model_dump_json()) == trial


def test_trial_result_writes_strict_json(make_trial, make_epoch):
    text = make_trial(epochs=[make_epoch(1, train_loss=math.nan)]).model_dump_json()

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(text, parse_constant=refuse)["epochs"][0]["train_loss"] == "NaN"


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_trial_result_refuses_a_score_that_is_not_finite(make_trial, score):
    with pytest.raises(ValidationError, match="finite"):
        make_trial(score=score)


def test_test_report_computes_what_follows_from_the_counts():
    report = TestReport.from_confusion([[8, 2], [1, 9]], ["cat", "dog"], 0.4)
    assert (report.examples, report.correct, report.accuracy) == (20, 17, 0.85)
    expected = binomtest(17, 20).proportion_ci(method="wilson")
    assert report.interval == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("confusion", [[[1, 2]], [[1], [2]], [[1, 0, 0], [0, 1, 0]]])
def test_test_report_refuses_a_matrix_that_does_not_fit_the_classes(confusion):
    with pytest.raises(InvalidValueError, match="2 rows of 2 counts"):
        TestReport.from_confusion(confusion, ["cat", "dog"], 0.4)


def test_key_figures_keep_values_without_details(measurements):
    figures = KeyFigures.of(measurements)
    assert figures.health == {"neuron_utilization": 0.9, "training_stability": None}
    assert (figures.val_accuracy, figures.parameters, figures.overall_health) == (0.75, 1234, 0.9)


def test_read_record_names_a_damaged_file(tmp_path):
    path = tmp_path / "result.json"
    path.write_text('{"trial": 1')
    with pytest.raises(OutputError, match=r"result.json is no TrialResult: Invalid JSON"):
        read_record(path, TrialResult)
