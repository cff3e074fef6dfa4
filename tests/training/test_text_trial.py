"""A whole trial on texts, in this process: trained, measured, saved, loaded, scored."""

from __future__ import annotations

import json
import re
import threading

import pytest

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.job import TrialJob
from hpo_torch.results.best_model_readme import best_model_readme
from hpo_torch.results.records import TrialResult
from hpo_torch.search.lstm_space import lstm_space
from hpo_torch.training import evaluate, train_trial
from hpo_torch.training.lightning_module import Classifier

SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)
SMALL = {
    "embedding_dim": 8,
    "lstm_units": 8,
    "hidden_units": 8,
    "sequence_length": 8,
    "learning_rate": 0.02,
    "epochs": 3,
}


@pytest.fixture
def trained(moods, tmp_path):
    """The events of one trial; its weights are in tmp_path/trial."""
    job = TrialJob(
        study="study",
        trial=0,
        attempt="0-1",
        seed=3,
        data=DataSettings(dataset="moods", dir=str(tmp_path / "data")),
        split_seed=0,
        family="lstm",
        hyperparameters=lstm_space(400, 1, 3).defaults(SMALL),
        training=TrainingSettings(precision="32-true"),
        health=HealthSettings(),
        device="cpu",
        output_dir=str(tmp_path / "trial"),
    )
    events = []
    train_trial.train_trial(job, events.append, threading.Event(), worker="here")
    assert events[-1].outcome == "completed", events[-1].traceback
    return job, events


def test_trial_learns_and_every_health_metric_that_can_be_is_a_number(trained):
    _, events = trained
    measured = events[-1].measurements
    assert measured.val_accuracy == 1.0
    missing = {n: reading.reason for n, reading in measured.health.items() if reading.value is None}
    assert missing.keys() == {
        "rank",  # two classes
        "accuracy_consistency",  # fewer than 5 epochs
        "calibration",  # fewer than 1,000 validation examples
        "gradient_noise_scale",  # a size, not a share
    }
    assert all(missing.values())
    assert measured.health["neuron_utilization"].details["units"] == {
        "lstm.0.forwards": 8,
        "lstm.0.backwards": 8,
        "head.hidden1.activation": 8,
    }
    assert list(measured.health["gradient_health"].details["decades"]) == [
        "lstm.0.forwards",
        "lstm.0.backwards",
        "head.hidden1.linear",
        "head.output",
    ]
    assert measured.memory_bytes > 4 * 4 * measured.parameters
    assert measured.inference_seconds > 0


def test_checkpoint_holds_all_that_is_needed(trained, tmp_path):
    model = Classifier.load_from_checkpoint(tmp_path / "trial" / "model.ckpt")
    spec = model.hparams["input_spec"]
    assert spec["tokens"][:3] == ["[PAD]", "[UNK]", "so"]
    assert sorted(spec["tokens"][3:]) == ["dull", "fine"]
    assert (spec["sequence_length"], spec["shape"]) == (8, [5])
    assert json.loads(json.dumps(spec)) == dict(spec)


def test_evaluation_scores_the_test_set(trained, tmp_path):
    job, _ = trained
    report = evaluate.evaluate_checkpoint(tmp_path / "trial" / "model.ckpt", job.data, 0, "cpu")
    assert report.accuracy == 1.0
    assert report.confusion == [[50, 0], [0, 50]]


def test_readme_shows_code_that_classifies_texts(trained, tmp_path, monkeypatch):
    job, events = trained
    readme = best_model_readme(
        TrialResult(
            trial=0,
            attempt="0-1",
            state="complete",
            score=1.0,
            seed=3,
            family=job.family,
            hyperparameters=job.hyperparameters,
            measurements=events[-1].measurements,
            kept_epoch=1,
            started="2026-01-01T00:00:00+00:00",
            seconds=1.0,
        )
    )
    monkeypatch.chdir(tmp_path / "trial")
    names = {}
    exec(SNIPPET.search(readme)[1], names)
    assert len(names["predictions"]) == 1
    said = names["model"].predict(["Dull!", "so so so fine", "fine"])
    assert [each.label for each in said] == ["dull", "fine", "fine"]
