"""A trained model before the whole test set, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.load import load_prepared
from hpo_torch.data.text_inputs import text_inputs
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.mistakes import beginning
from hpo_torch.training import evaluate
from hpo_torch.training.evaluate import evaluate_checkpoint
from hpo_torch.training.examine import examine_checkpoint
from hpo_torch.training.lightning_module import Classifier


@pytest.fixture
def digits(train, tmp_path):
    """Half trained, so that there are mistakes."""
    assert train(epochs=1, conv_layers=2)[-1].outcome == "completed"
    return tmp_path / "trial" / "model.ckpt"


def test_all_that_is_kept_agrees_with_the_report(digits):
    scored = examine_checkpoint(digits, DataSettings(), 0, "cpu")
    report, predictions, mistakes = scored.report, scored.predictions, scored.mistakes
    assert report == evaluate_checkpoint(digits, DataSettings(), 0, "cpu")
    assert predictions.probabilities.shape == (report.examples, 10)
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1.0, atol=1e-5)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (predictions.labels, predictions.predicted), 1)
    assert confusion.tolist() == report.confusion
    assert 0 < len(mistakes) <= 24
    assert (mistakes.true != mistakes.predicted).all()
    assert (np.diff(mistakes.probabilities) <= 0).all()
    model = Classifier.load_from_checkpoint(digits)
    assert scored.architecture.parameters == sum(p.numel() for p in model.network.parameters())
    assert scored.architecture.input_shape == [1, 8, 8]


def test_images_are_those_of_the_examples(digits):
    scored = examine_checkpoint(digits, DataSettings(), 0, "cpu")
    cpu = torch.device("cpu")
    data = load_prepared(installed_registry().datasets.load("digits"), DataSettings(), 0, cpu)
    shown = scored.predictions.surest_correct()
    assert scored.maps.label == scored.predictions.labels[shown]
    positions = [shown, *scored.mistakes.positions.tolist()]
    mean, std = (torch.tensor(figures) for figures in (data.mean, data.std))
    inputs, labels = data.test.batch(torch.tensor(positions))
    pixels = ((inputs * std + mean) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(scored.maps.image, pixels[0])
    np.testing.assert_array_equal(scored.mistakes.images, pixels[1:])
    np.testing.assert_array_equal(scored.mistakes.true, labels[1:].numpy())
    assert [block.name for block in scored.maps.blocks] == ["conv1", "conv2"]


def untrained(moods_settings, path):
    """Write a checkpoint of an LSTM that knows nothing, so that it is often wrong."""
    from lightning.pytorch import Trainer

    from hpo_torch.search.families import search_space

    torch.manual_seed(3)
    space = search_space("lstm", (5,), 400, 1, 20)
    small = {"embedding_dim": 8, "lstm_units": 8, "hidden_units": 8, "sequence_length": 8}
    values = space.defaults(space.check_fixed(small))
    cpu = torch.device("cpu")
    source = load_prepared(
        evaluate.installed_registry().datasets.load("moods"), moods_settings, 0, cpu
    )
    prepared = source.for_trial(values)
    model = Classifier("lstm", values, prepared.input_spec, prepared.class_names)
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(path)
    return model.eval()


def test_texts_keep_the_order_of_the_test_set(moods, tmp_path):
    settings = DataSettings(dataset="moods", dir=str(tmp_path / "data"))
    model = untrained(settings, tmp_path / "model.ckpt")
    scored = examine_checkpoint(tmp_path / "model.ckpt", settings, 0, "cpu")
    texts = evaluate.installed_registry().datasets.load("moods").load(None).test_texts
    with torch.no_grad():
        one_by_one = [
            model(text_inputs([text], model.hparams["input_spec"])).softmax(1)[0] for text in texts
        ]
    expected = torch.stack(one_by_one).numpy()
    np.testing.assert_allclose(scored.predictions.probabilities, expected, atol=1e-5)
    assert scored.predictions.labels.tolist() == [number % 2 for number in range(100)]
    positions = scored.mistakes.positions.tolist()
    assert positions
    assert scored.mistakes.texts == tuple(beginning(texts[p]) for p in positions)
    assert (scored.mistakes.images, scored.maps) == (None, None)
    assert scored.report == evaluate_checkpoint(tmp_path / "model.ckpt", settings, 0, "cpu")
