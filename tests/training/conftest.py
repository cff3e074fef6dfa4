"""Real trials on embedded digits and made-up texts, small enough to train in a second."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
import torch

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.data.spec import TextData
from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.records import DatasetSpec
from hpo_torch.hooks.registry import build_registry
from hpo_torch.hooks.specs import hookimpl
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.families import search_space
from hpo_torch.training import evaluate, train_trial
from hpo_torch.training.checkpoints import STATE_FILE

SMALL = {"conv_layers": 1, "filters": 16, "hidden_units": 64, "batch_size": 64, "epochs": 2}


@pytest.fixture
def make_job(tmp_path):
    """Make a job on the digits; hyperparameters by name, the rest by job field."""

    def make(*, seed=1, objective="val_accuracy", health=None, training=None, **hyperparameters):
        space = search_space("cnn", (1, 8, 8), 1150, 1, 20)
        values = space.defaults(space.check_fixed({**SMALL, **hyperparameters}))
        return TrialJob(
            study="test",
            trial=0,
            attempt="a",
            seed=seed,
            data=DataSettings(),
            split_seed=0,
            family="cnn",
            hyperparameters=values,
            objective=objective,
            training=TrainingSettings(**{"precision": "32-true", **(training or {})}),
            health=HealthSettings(**(health or {"probe_size": 64, "gradient_probe_size": 32})),
            device="cpu",
            output_dir=str(tmp_path / "trial"),
        )

    return make


@pytest.fixture
def train(make_job):
    """Train a trial; returns its events."""

    def go(*, stop=None, **options):
        events, job = [], make_job(**options)
        Path(job.output_dir, STATE_FILE).unlink(missing_ok=True)  # of an earlier call
        train_trial.train_trial(job, events.append, stop or threading.Event(), worker="w")
        return events

    return go


class Moods:
    """600 texts of neutral words, one of which tells the class: learnable to 1.0."""

    @staticmethod
    def load(request):
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(600) % 2
        lengths = torch.randint(0, 7, (600,), generator=generator).tolist()
        texts = [
            "so " * length + ("fine" if label else "dull")
            for label, length in zip(labels.tolist(), lengths, strict=True)
        ]
        return TextData(
            train_texts=texts[:500],
            train_labels=labels[:500],
            test_texts=texts[500:],
            test_labels=labels[500:],
            class_names=("dull", "fine"),
            fingerprint="moods",
        )


class Offer:
    @hookimpl
    def register_datasets(self):
        return [
            DatasetSpec(
                name="moods",
                target="mood_loaders:Moods",
                summary="made up",
                kind="text",
                num_classes=2,
                input_shape=(),
                sizes=(500, 100),
                source="none",
            )
        ]


@pytest.fixture
def moods(monkeypatch):
    """Offer the made-up data set of texts "moods" beside the first-party plugins."""
    import hpo_torch_health.plugin

    loaders = ModuleType("mood_loaders")
    loaders.Moods = Moods
    monkeypatch.setitem(sys.modules, "mood_loaders", loaders)
    plugins = Plugins(new_manager())
    plugins.manager.register(Offer(), "moods_plugin")
    plugins.manager.register(hpo_torch_health.plugin, "hpo_torch_health")
    registry = build_registry(plugins)
    monkeypatch.setattr(train_trial, "installed_registry", lambda: registry)
    monkeypatch.setattr(evaluate, "installed_registry", lambda: registry)


@pytest.fixture
def make_text_job(moods, tmp_path):
    """Make a job on the moods; hyperparameters by name."""

    def make(**hyperparameters):
        space = search_space("lstm", (5,), 400, 1, 20)
        small = {"embedding_dim": 8, "lstm_units": 8, "hidden_units": 8, "sequence_length": 8}
        return TrialJob(
            study="test",
            trial=0,
            attempt="a",
            seed=1,
            data=DataSettings(dataset="moods", dir=str(tmp_path / "data")),
            split_seed=0,
            family="lstm",
            hyperparameters=space.defaults(space.check_fixed({**small, **hyperparameters})),
            training=TrainingSettings(precision="32-true"),
            health=HealthSettings(probe_size=64, gradient_probe_size=32),
            device="cpu",
            output_dir=str(tmp_path / "trial"),
        )

    return make
