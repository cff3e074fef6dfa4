"""Runs of one real, small trial: on digits, and on made-up reviews in a table."""

from __future__ import annotations

import threading

from hpo_torch.config.schema import DataSettings, HealthSettings, RunConfig, TrainingSettings
from hpo_torch.protocol.job import TrialJob
from hpo_torch.results.records import TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.search.families import search_space
from hpo_torch.training.train_trial import train_trial

IMAGES = {
    "conv_layers": 2,
    "multi_scale": True,
    "filters": 16,
    "hidden_units": 32,
    "batch_size": 64,
    "learning_rate": 0.01,
    "epochs": 4,
}
TEXTS = {
    "embedding_dim": 8,
    "lstm_units": 8,
    "hidden_units": 8,
    "sequence_length": 8,
    "batch_size": 16,
    "learning_rate": 0.02,
    "epochs": 4,
}


def train_run(folder, data, family, shape, fixed):
    """A run of one trial, as a search leaves it before the winner meets the test set."""
    config = RunConfig(data=data)
    run = RunDirectory.create(folder, "run")
    run.write_config(config)
    space = search_space(family, shape, 500, 1, 20)
    job = TrialJob(
        study="run",
        trial=0,
        attempt="0-1",
        seed=3,
        data=data,
        split_seed=config.search.seed,
        family=family,
        hyperparameters=space.defaults(space.check_fixed(fixed)),
        training=TrainingSettings(precision="32-true"),
        health=HealthSettings(probe_size=16, gradient_probe_size=16),
        device="cpu",
        output_dir=str(run.trial_dir(0)),
    )
    events = []
    train_trial(job, events.append, threading.Event(), worker="here")
    assert events[-1].outcome == "completed", events[-1].traceback
    trial = TrialResult(
        trial=0,
        attempt="0-1",
        state="complete",
        score=events[-1].measurements.val_accuracy,
        seed=3,
        family=family,
        hyperparameters=job.hyperparameters,
        measurements=events[-1].measurements,
        kept_epoch=events[-1].kept_epoch,
        epochs=[event.metrics for event in events if event.kind == "epoch_finished"],
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
    )
    run.write_trial(trial)
    run.keep_best_model(trial)
    return run


def digits_run(folder):
    """A run on scikit-learn's digits."""
    data = DataSettings(dataset="digits", dir=str(folder))
    return train_run(folder, data, "cnn", (1, 8, 8), IMAGES)


def reviews_run(folder):
    """A run on 200 reviews, one of whose words tells the class; 40 are the test set."""
    table = folder / "reviews.csv"
    lines = [
        f'"{"so very " * (number % 5)}{word}",{label},{part}'
        for number in range(100)
        for word, label in (("dull", "bad"), ("fine", "good"))
        for part in ["test" if number % 5 == 0 else "train"]
    ]
    table.write_text("\n".join(["text,label,split", *lines]) + "\n")
    data = DataSettings(dataset="csv", path=str(table), dir=str(folder / "data"))
    return train_run(folder, data, "lstm", (6,), TEXTS)
