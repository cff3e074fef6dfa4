from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.datamodule import prepare_images
from hpo_torch.data.prepared_texts import PreparedTexts, prepare_texts
from hpo_torch.data.spec import ImageData, TextData
from hpo_torch.data.trained_elsewhere import with_inputs_of

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.data.datamodule import PreparedImages

CPU = torch.device("cpu")
HYPERPARAMETERS = {"vocab_size": 100, "sequence_length": 4, "batch_size": 8}
TEST_TEXTS = ["word1 word2 word1", "unseen word3"]


def never() -> list[str]:
    pytest.fail("the texts are read though nobody needs them")


def images() -> PreparedImages:
    data = ImageData(
        train_images=torch.arange(160, dtype=torch.uint8).view(40, 1, 2, 2),
        train_labels=torch.arange(40) % 2,
        test_images=torch.tensor([0, 51, 102, 255], dtype=torch.uint8).view(1, 1, 2, 2),
        test_labels=torch.tensor([1]),
        class_names=("a", "b"),
    )
    return prepare_images(data, DataSettings(dataset="toy"), 0, CPU)


def texts(folder: Path, words: int) -> PreparedTexts:
    data = TextData(
        train_texts=[f"word{number % words}" for number in range(40)],
        train_labels=torch.arange(40) % 2,
        test_texts=TEST_TEXTS,
        test_labels=torch.tensor([0, 1]),
        class_names=("a", "b"),
        fingerprint=str(words),
    )
    settings = DataSettings(dataset="toy", dir=str(folder))
    return prepare_texts(data, settings, 0, CPU).for_trial(HYPERPARAMETERS)


def test_nothing_changes_where_the_network_learned_with_the_same(tmp_path: Path):
    for prepared in (images(), texts(tmp_path, 5)):
        assert with_inputs_of(prepared, prepared.input_spec, never) is prepared


def test_images_are_normalised_as_the_network_learned_it():
    prepared = images()
    spec = {**prepared.input_spec, "mean": [0.2], "std": [0.4]}
    changed = with_inputs_of(prepared, spec, never)
    ((batch, labels),) = changed.data_module({"batch_size": 8, **NO_CHANGES}, 0).test_dataloader()
    # 0, 0.2, 0.4 and 1 of a scale of 0..1, less 0.2, in units of 0.4
    expected = torch.tensor([-0.5, 0.0, 0.5, 2.0]).view(1, 1, 2, 2)
    assert torch.allclose(batch, expected)
    assert labels.tolist() == [1]
    assert changed.input_spec == spec
    again = prepared.test.normalised_by((prepared.mean, prepared.std))
    assert torch.equal(again.scale, prepared.test.scale)
    assert torch.equal(again.shift, prepared.test.shift)


def test_texts_have_the_ids_that_the_network_learned(tmp_path: Path):
    whole = texts(tmp_path, 5)
    # Padding, unknown, and two words: this network has never seen word3.
    tokens = [*whole.vocabulary[:2], "word2", "word1"]
    spec = {**whole.input_spec, "tokens": tokens, "shape": [4]}
    changed = with_inputs_of(whole, spec, lambda: TEST_TEXTS)
    assert isinstance(changed, PreparedTexts)
    ids, labels = changed.test.batch(torch.arange(2))
    assert ids.tolist() == [[3, 2, 3], [1, 1, 0]]
    assert labels.tolist() == [0, 1]


NO_CHANGES = dict.fromkeys(
    [
        f"augment_{name}"
        for name in ("flip", "shift", "crop", "affine", "cutout", "colour", "channels")
    ],
    0,
)
