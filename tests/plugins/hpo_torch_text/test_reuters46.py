from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hpo_torch.plugin_api import CorruptDataError, DataNotFoundError, DataRequest, RemoteFile
from hpo_torch_text.reuters46 import REUTERS46, TOPICS, Reuters46, keras_split

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(0)
WORDS = {f"word{number}": number for number in range(1, 30)}
STORIES = [RANDOM.integers(1, 30, size).tolist() for size in RANDOM.integers(1, 9, 57)]
LABELS = RANDOM.integers(0, 3, 57)


def keras_load_data(path: Path) -> tuple[tuple[list[list[int]], list[int]], ...]:
    """Do what keras.datasets.reuters.load_data does by default, but for its id shift."""
    with np.load(path, allow_pickle=True) as f:
        xs, labels = f["x"], f["y"]
    rng = np.random.RandomState(113)
    indices = np.arange(len(xs))
    rng.shuffle(indices)
    xs, labels = xs[indices], labels[indices]
    idx = int(len(xs) * (1 - 0.2))
    return (list(xs[:idx]), list(labels[:idx])), (list(xs[idx:]), list(labels[idx:]))


def write(folder: Path, stories: list[list[int]], labels: np.ndarray) -> Reuters46:
    folder.mkdir(parents=True)
    ragged = np.empty(len(stories), dtype=object)
    ragged[:] = stories
    np.savez(folder / "reuters.npz", x=ragged, y=labels)
    (folder / "reuters_word_index.json").write_text(json.dumps(WORDS), encoding="utf-8")

    def remote(name: str) -> RemoteFile:
        served = f"sha256:{hashlib.sha256((folder / name).read_bytes()).hexdigest()}"
        return RemoteFile(name=name, urls=(f"http://127.0.0.1:9/{name}",), served=served)

    return Reuters46(
        stories=remote("reuters.npz"),
        word_index=remote("reuters_word_index.json"),
        topics=("a", "b", "c"),
    )


def offline(folder: Path) -> DataRequest:
    return DataRequest(data_dir=folder, download=False)


def test_reuters46_is_split_as_keras_splits_it(tmp_path: Path):
    loader = write(tmp_path / "reuters", STORIES, LABELS)
    loader.prepare(offline(tmp_path))
    data = loader.load(offline(tmp_path))
    train, test = keras_load_data(tmp_path / "reuters/reuters.npz")
    assert (len(data.train_texts), len(data.test_texts)) == (45, 12)
    for texts, labels, (ids, topics) in (
        (data.train_texts, data.train_labels, train),
        (data.test_texts, data.test_labels, test),
    ):
        assert [[WORDS[word] for word in text.split()] for text in texts] == ids
        assert labels.tolist() == topics
    assert data.class_names == ("a", "b", "c")


def test_keras_split_has_keras_published_sizes():
    train, test = keras_split(11_228)
    assert (len(train), len(test)) == (8_982, 2_246)
    assert sorted(train + test) == list(range(11_228))


def test_reuters46_topics_are_keras():
    assert len(TOPICS) == len(set(TOPICS)) == 46
    # in Keras, y = 3 and 4 are the two commonest, y = 19 is money-fx
    assert (TOPICS[3], TOPICS[4], TOPICS[19], TOPICS[45]) == ("earn", "acq", "money-fx", "lead")


def test_reuters46_writes_a_question_mark_for_an_unknown_id(tmp_path: Path):
    loader = write(tmp_path / "reuters", [[1, 0, 99, 2]] * 5, np.array([0, 1, 2, 0, 1]))
    data = loader.load(offline(tmp_path))
    assert set(data.train_texts) == {"word1 ? ? word2"}


def test_reuters46_never_unpickles_an_unknown_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "reuters", STORIES, LABELS)
    monkeypatch.setattr("numpy.load", None)
    for call in (REUTERS46.prepare, REUTERS46.load):
        with pytest.raises(CorruptDataError, match=r"reuters\.npz: expected sha256:d6586e69"):
            call(offline(tmp_path))


def test_reuters46_refuses_topics_without_a_name(tmp_path: Path):
    loader = write(tmp_path / "reuters", STORIES, LABELS + 1)
    with pytest.raises(CorruptDataError, match=r"expected topics 0\.\.2"):
        loader.load(offline(tmp_path))


def test_reuters46_without_its_files_says_what_to_do(tmp_path: Path):
    for call in (REUTERS46.prepare, REUTERS46.load):
        with pytest.raises(DataNotFoundError) as error:
            call(offline(tmp_path))
        for part in ("reuters.npz not found", "storage.googleapis.com", "~/.keras", "reuters52"):
            assert part in str(error.value)
