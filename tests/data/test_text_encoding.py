from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from hpo_torch.data.spec import TextData
from hpo_torch.data.text_encoding import TextEncoding, encode_texts
from hpo_torch.data.word_tokenizer import WordTokenizer

if TYPE_CHECKING:
    from pathlib import Path

DATA = TextData(
    train_texts=["good film", "bad film", "film of the year", "validation only"],
    train_labels=torch.tensor([1, 0, 1, 0]),
    test_texts=["good year", "tested"],
    test_labels=torch.tensor([1, 0]),
    class_names=("bad", "good"),
    fingerprint="abc",
)
TRAINS = torch.tensor([0, 1, 2])


class Counting(WordTokenizer):
    """Counts how often a vocabulary is learned."""

    RULE = "counting"
    learned = 0

    @classmethod
    def learn(cls, texts):
        Counting.learned += 1
        return super().learn(texts)


@pytest.fixture
def tokenizer() -> type[Counting]:
    Counting.learned = 0
    return Counting


def numbers(encoding: TextEncoding) -> tuple:
    parts = (encoding.train.ids, encoding.train.offsets, encoding.test.ids, encoding.test.offsets)
    return (encoding.tokens, *(part.tolist() for part in parts))


def test_vocabulary_is_of_the_training_part_alone(tmp_path: Path):
    encoding = encode_texts(DATA, TRAINS, WordTokenizer, tmp_path)
    assert encoding.tokens == ("[PAD]", "[UNK]", "film", "bad", "good", "of", "the", "year")
    assert encoding.train.ids.tolist() == [4, 2, 3, 2, 2, 5, 6, 7, 1, 1]
    assert encoding.test.ids.tolist() == [4, 7, 1]


def test_encoding_is_kept_and_read_back(tokenizer: type[Counting], tmp_path: Path):
    first = encode_texts(DATA, TRAINS, tokenizer, tmp_path)
    assert numbers(encode_texts(DATA, TRAINS, tokenizer, tmp_path)) == numbers(first)
    assert tokenizer.learned == 1


def test_other_data_split_or_rule_is_another_encoding(tokenizer: type[Counting], tmp_path: Path):
    class Other(Counting):
        RULE = "other"

    for data, trains, rule in (
        (DATA, TRAINS, tokenizer),
        (replace(DATA, fingerprint="abd"), TRAINS, tokenizer),
        (DATA, torch.tensor([0, 1, 3]), tokenizer),
        (DATA, TRAINS, Other),
    ):
        encode_texts(data, trains, rule, tmp_path)
    assert tokenizer.learned == 4


def test_a_machine_without_the_test_part_keeps_another_encoding(tmp_path: Path):
    withheld = replace(DATA, test_texts=[], test_labels=DATA.test_labels[:0], test_withheld=True)
    there = encode_texts(withheld, TRAINS, WordTokenizer, tmp_path)
    here = encode_texts(DATA, TRAINS, WordTokenizer, tmp_path)
    assert (len(there.test), len(here.test)) == (0, 2)
    assert there.train.ids.tolist() == here.train.ids.tolist()
    assert there.tokens == here.tokens


def test_damaged_file_is_made_anew(tokenizer: type[Counting], tmp_path: Path):
    first = encode_texts(DATA, TRAINS, tokenizer, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:200])
    assert numbers(encode_texts(DATA, TRAINS, tokenizer, tmp_path)) == numbers(first)
    assert numbers(encode_texts(DATA, TRAINS, tokenizer, tmp_path)) == numbers(first)
    assert tokenizer.learned == 2


def test_set_without_fingerprint_is_not_kept(tokenizer: type[Counting], tmp_path: Path):
    encode_texts(replace(DATA, fingerprint=""), TRAINS, tokenizer, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("in the way")
    encoding = encode_texts(DATA, TRAINS, WordTokenizer, tmp_path / "file")
    assert len(encoding.train) == 4
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "is a file, not a folder" in caplog.text
