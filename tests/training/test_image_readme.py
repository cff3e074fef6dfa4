"""The best model's README shows code for images that predicts what training's batches do."""

from __future__ import annotations

import re
import threading

import pytest
import torch
from PIL import Image

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.plugin_api import DataRequest
from hpo_torch.protocol.job import TrialJob
from hpo_torch.results.best_model_readme import best_model_readme
from hpo_torch.results.records import TrialResult
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import train_trial

SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)
SMALL = {"filters": 4, "hidden_units": 16, "epochs": 1, "batch_size": 64}


def test_readme_shows_code_that_classifies_images(tmp_path, monkeypatch):
    values = cnn_space((1, 8, 8), 1149, 1, 1).defaults(SMALL)
    settings = DataSettings(dataset="digits", dir=str(tmp_path))
    job = TrialJob(
        study="study",
        trial=0,
        attempt="0-1",
        seed=3,
        data=settings,
        split_seed=0,
        family="cnn",
        hyperparameters=values,
        training=TrainingSettings(precision="32-true"),
        health=HealthSettings(probe_size=16, gradient_probe_size=16),
        device="cpu",
        output_dir=str(tmp_path),
    )
    train_trial(job, lambda _: None, threading.Event(), worker="here")
    words = {"trial": 0, "attempt": "0-1", "state": "complete", "seed": 3, "family": "cnn"}
    result = TrialResult(**words, hyperparameters=values, started="2026", seconds=1.0)

    monkeypatch.chdir(tmp_path)
    loader = installed_registry().datasets.load("digits")
    images = loader.load(DataRequest(data_dir=tmp_path)).test_images
    Image.fromarray(images[0, 0].numpy()).save("image.png")
    names = {}
    exec(SNIPPET.search(best_model_readme(result))[1], names)

    prepared = load_prepared(loader, settings, 0, torch.device("cpu")).for_trial(values)
    inputs, _ = next(iter(prepared.data_module(values, 0).test_dataloader()))
    model = Classifier.load_from_checkpoint(tmp_path / "model.ckpt").eval()
    with torch.inference_mode():
        expected = model(inputs[:1]).softmax(1)[0]
    (said,) = names["predictions"]
    assert said.probabilities == pytest.approx(expected.tolist(), abs=1e-5)
    assert said.label == str(int(expected.argmax()))
