"""A run as its user finds it, with checks of its content."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.summary import RunView
from hpo_torch.training.evaluate import confusion_and_loss
from hpo_torch.training.lightning_module import Classifier

if TYPE_CHECKING:
    from pathlib import Path

BEST_PICTURES = {"optimization_history", "learning_curves", "health", "confusion_matrix"}
"""What every search draws in which a trial completed."""


@dataclass(frozen=True)
class Found:
    """A finished run."""

    path: Path

    def json(self, name):
        return json.loads((self.path / name).read_text())

    @property
    def summary(self):
        return self.json("summary.json")

    @property
    def best(self):
        return yaml.safe_load((self.path / "best_hyperparameters.yaml").read_text())

    @property
    def rows(self):
        with (self.path / "trials.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def check_complete(self, trials):
        """Every trial ended, the winner is the best of the table, and its test adds up."""
        summary, rows = self.summary, self.rows
        assert summary["reason"] == "all trials done"
        assert [int(row["number"]) for row in rows] == list(range(trials))
        assert sum(summary["counts"].values()) == trials
        completed = [row for row in rows if row["state"] == "complete"]
        best = max(completed, key=lambda row: float(row["score"]))
        assert summary["best_trial"] == int(best["number"]) == self.best["trial"]
        assert summary["best_score"] == pytest.approx(float(best["score"]))
        report = self.json("best_model/test_report.json")
        hits = sum(row[index] for index, row in enumerate(report["confusion"]))
        assert report["examples"] == sum(map(sum, report["confusion"]))
        assert summary["test_accuracy"] == pytest.approx(hits / report["examples"])

    def check_score_has_health(self, weight):
        """The score is the objective and health in these shares, in every completed trial."""
        assert self.best["health_weight"] == self.summary["health_weight"] == weight
        for row in self.rows:
            if row["state"] == "complete":
                mixed = (1 - weight) * float(row["val_accuracy"]) + weight * float(
                    row["overall_health"]
                )
                assert float(row["score"]) == pytest.approx(mixed, abs=1e-6)

    def check_score_is_accuracy(self):
        """The score is the validation accuracy, and no share of it is health."""
        assert self.best["health_weight"] is None
        for row in self.rows:
            if row["state"] == "complete":
                assert float(row["score"]) == pytest.approx(float(row["val_accuracy"]))

    def check_activation(self, name, module):
        """It is in every trial, in the YAML, and in the very network that was saved."""
        hyperparameters = self.best["hyperparameters"]
        assert hyperparameters["activation"] == hyperparameters["hidden_activation"] == name
        assert {row["param_activation"] for row in self.rows} == {name}
        model = Classifier.load_from_checkpoint(self.path / "best_model/model.ckpt")
        kinds = {type(m) for m in model.modules() if "activation" in type(m).__module__}
        assert kinds == {module}
        # The saved weights are those that scored: they give the reported accuracy again.
        assert self.accuracy_of(model) == pytest.approx(self.summary["test_accuracy"])

    def accuracy_of(self, model):
        """Score a model on the official test set, apart from what the search stored."""
        config = RunView.open(self.path).config
        loader = installed_registry().datasets.load(config.data.dataset)
        cpu = torch.device("cpu")
        hyperparameters = model.hparams["hyperparameters"]
        prepared = load_prepared(loader, config.data, config.search.seed, cpu)
        prepared = prepared.for_trial(hyperparameters)
        batches = prepared.data_module(hyperparameters, seed=0).test_dataloader()
        confusion, _ = confusion_and_loss(model.network, batches, prepared.num_classes)
        return float(confusion.diag().sum() / confusion.sum())

    def check_pictures(self, folder, names):
        """These pictures are there, and each shows something."""
        drawn = {path.stem: path for path in (self.path / folder).glob("*.png")}
        assert names <= drawn.keys()
        for path in drawn.values():
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("L"))
            assert min(pixels.shape) > 300, path
            assert len(np.unique(pixels)) > 20, path
            assert 0.002 < float(np.mean(pixels < 128)) < 0.9, path

    def check_no_pictures(self):
        """Nothing was drawn at all."""
        drawn = [p for p in self.path.rglob("*") if p.suffix in {".png", ".gif", ".svg", ".pdf"}]
        assert drawn == []
