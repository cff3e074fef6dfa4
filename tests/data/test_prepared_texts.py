from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.prepared_texts import PreparedTexts, TextSource, prepare_texts
from hpo_torch.data.spec import TextData
from hpo_torch.data.text_inputs import text_inputs
from hpo_torch.errors import PluginError

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")


def made_up(count: int) -> tuple[list[str], torch.Tensor]:
    """Texts of 1 to 9 words; three of four are of class 0."""
    texts = [f"text number {number} " + "word " * (number % 7) for number in range(count)]
    return texts, (torch.arange(count) % 4 == 0).long()


@pytest.fixture
def data() -> TextData:
    train_texts, train_labels = made_up(400)
    test_texts, test_labels = made_up(30)
    return TextData(
        train_texts=train_texts,
        train_labels=train_labels,
        test_texts=test_texts,
        test_labels=test_labels,
        class_names=("often", "rare"),
        fingerprint="abc",
    )


@pytest.fixture
def source(data: TextData, tmp_path: Path) -> TextSource:
    return prepare_texts(data, DataSettings(dataset="made up", dir=str(tmp_path)), 0, CPU)


def for_trial(source: TextSource, **values: Any) -> PreparedTexts:
    return source.for_trial({"vocab_size": 50, "sequence_length": 6, "batch_size": 16, **values})


def test_set_is_split_and_described(source: TextSource):
    prepared = for_trial(source)
    assert (prepared.num_classes, prepared.class_names) == (2, ("often", "rare"))
    assert prepared.train_size == 320
    assert prepared.majority_share == 0.75
    assert prepared.fingerprint == "abc"
    # 320 distinct numbers (each in one text), "text", "number", "word", and the special tokens
    assert prepared.input_shape == (325,)


def test_trial_chooses_vocabulary_and_length(source: TextSource):
    small, large = for_trial(source), for_trial(source, vocab_size=1000, sequence_length=9)
    assert small.vocabulary[:4] == ("[PAD]", "[UNK]", "word", "number")
    assert (len(small.vocabulary), len(large.vocabulary)) == (50, 325)
    assert (int(small.texts.lengths.max()), int(large.texts.lengths.max())) == (6, 9)
    largest = [
        max(int(ids.max()) for ids, _ in p.data_module({"batch_size": 16}, 0).train_dataloader())
        for p in (small, large)
    ]
    assert largest == [49, 324]


def test_loaders_go_through_the_parts_of_the_split(source: TextSource):
    prepared = for_trial(source)
    module = prepared.data_module({"batch_size": 16}, seed=0)
    for part, expected in (
        (module.train_dataloader(), [240, 80]),
        (module.val_dataloader(), [60, 20]),
        (module.test_dataloader(), [22, 8]),
    ):
        labels = torch.cat([labels for _, labels in part])
        assert torch.bincount(labels).tolist() == expected


def test_sample_is_of_training_texts_and_stratified_in_every_prefix(source: TextSource):
    prepared = for_trial(source, vocab_size=1000, sequence_length=9)
    ids, labels = prepared.sample(40, seed=5)
    assert ids.dtype == torch.int64
    assert torch.bincount(labels).tolist() == [30, 10]
    assert torch.bincount(labels[:8]).tolist() == [6, 2]
    assert not (ids == 1).any()  # no word is unknown, so that all are of training texts
    assert len(prepared.sample(10_000)[0]) == 320


def test_input_spec_turns_raw_texts_into_the_inputs_of_training(source: TextSource, data: TextData):
    prepared = for_trial(source)
    spec = json.loads(json.dumps(prepared.input_spec))
    assert spec["shape"] == [325]
    expected = prepared.test.batch(torch.arange(30))[0]
    assert torch.equal(text_inputs(data.test_texts, spec), expected)


def test_broken_contract_is_named(data: TextData, tmp_path: Path):
    broken = TextData(
        **{**{name: getattr(data, name) for name in data.__slots__}, "train_texts": [b"x"] * 400}
    )
    with pytest.raises(PluginError, match="'made up': train_texts: expected str, got bytes"):
        prepare_texts(broken, DataSettings(dataset="made up", dir=str(tmp_path)), 0, CPU)
