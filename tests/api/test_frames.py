from __future__ import annotations

import math
import sys

import pytest

from hpo_torch.api.frames import epochs_frame, health_frame, trials_frame
from hpo_torch.config.schema import HealthSettings
from hpo_torch.errors import MissingDependencyError
from hpo_torch.protocol.measurements import EpochMetrics

SETTINGS = HealthSettings(weights={"neuron_utilization": 0.5})


def test_trials_have_figures_and_hyperparameters(make_trial):
    trials = [make_trial(0, score=0.5), make_trial(3, "failed", None, epochs=0)]
    frame = trials_frame(trials)
    assert list(frame.index) == [0, 3]
    assert frame.index.name == "trial"
    assert list(frame["state"]) == ["complete", "failed"]
    assert frame.loc[0, "score"] == 0.5
    assert math.isnan(frame.loc[3, "score"])
    assert frame.loc[0, "neuron_utilization"] == 0.94
    assert frame.loc[3, "param_learning_rate"] == 1e-3 / 4


def test_epochs_are_by_trial_and_epoch(make_trial):
    frame = epochs_frame([make_trial(0, epochs=2), make_trial(4, epochs=3)])
    assert list(frame.index) == [(0, 1), (0, 2), (4, 1), (4, 2), (4, 3)]
    assert frame.index.names == ["trial", "epoch"]
    assert list(frame.columns) == [name for name in EpochMetrics.model_fields if name != "epoch"]
    assert frame.loc[(4, 2), "train_loss"] == pytest.approx(2.3 * 0.8**2)
    assert frame["val_loss"].unstack("trial").shape == (3, 2)


def test_health_has_values_weights_and_reasons(make_trial):
    frame = health_frame([make_trial(1), make_trial(2, "failed", None, epochs=0)], SETTINGS)
    assert set(frame.index.get_level_values("trial")) == {1}
    measured = frame.loc[(1, "neuron_utilization")]
    assert (measured["value"], measured["weight"]) == (0.94, 0.5)
    missing = frame.loc[(1, "training_stability")]
    assert math.isnan(missing["value"])
    assert missing["reason"].startswith("only 12 optimiser steps")
    assert frame["value"].dtype == float


def test_frames_of_nothing_have_their_columns():
    assert trials_frame([]).empty
    assert "val_accuracy" in epochs_frame([]).columns
    assert list(health_frame([], SETTINGS).columns) == ["value", "weight", "reason"]


def test_without_pandas_the_message_says_what_to_install(make_trial, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpo-torch\[pandas\]'"):
        trials_frame([make_trial(0)])
