"""The real sets: sizes, balance, and texts that are known to be in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from hpo_torch.plugin_api import DataRequest
from hpo_torch_text.imdb import IMDB
from hpo_torch_text.reuters46 import REUTERS46
from hpo_torch_text.reuters52 import REUTERS52

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.plugin_api import DatasetLoader, TextData


def load(name: str, loader: DatasetLoader, source: Path, data_dir: Path) -> TextData:
    # a folder of its own: what is cached beside the data does not change the data
    if not (source / name).is_dir():
        pytest.skip(f"no {name} in {source}")
    (data_dir / name).mkdir()
    for each in (source / name).iterdir():
        (data_dir / name / each.name).symlink_to(each)
    warnings: list[str] = []
    request = DataRequest(data_dir=data_dir, download=False, warn=warnings.append)
    loader.prepare(request)
    assert warnings == []
    return loader.load(request)


def label_of(data: TextData, start: str) -> list[str]:
    found = [k for k, text in enumerate(data.train_texts) if text.startswith(start)]
    return [data.class_names[int(data.train_labels[k])] for k in found]


def test_real_imdb_is_whole_and_balanced(test_data_dir: Path, tmp_path: Path):
    data = load("imdb", IMDB, test_data_dir, tmp_path)
    assert torch.bincount(data.train_labels).tolist() == [12_500, 12_500]
    assert torch.bincount(data.test_labels).tolist() == [12_500, 12_500]
    assert len(data.train_texts) == len(data.test_texts) == 25_000
    assert min(map(len, data.train_texts)) > 0
    assert label_of(data, "Bromwell High is a cartoon comedy.") == ["positive"]
    assert label_of(data, "Story of a man who has unnatural feelings for a pig.") == ["negative"]
    assert (tmp_path / "imdb/texts.npz").is_file()
    again = IMDB.load(DataRequest(data_dir=tmp_path, download=False))
    assert again.fingerprint == data.fingerprint


def test_real_reuters52_has_its_published_counts(test_data_dir: Path, tmp_path: Path):
    data = load("reuters", REUTERS52, test_data_dir, tmp_path)
    assert (len(data.train_texts), len(data.test_texts)) == (6_532, 2_568)
    train, test = (
        dict(zip(data.class_names, torch.bincount(labels, minlength=52).tolist(), strict=True))
        for labels in (data.train_labels, data.test_labels)
    )
    assert len(data.class_names) == 52
    assert list(data.class_names) == sorted(data.class_names)
    # A. Cardoso-Cachopo's table of R52
    published = {
        "earn": (2840, 1083),
        "acq": (1596, 696),
        "crude": (253, 121),
        "trade": (251, 75),
        "money-fx": (206, 87),
        "interest": (190, 81),
    }
    assert {name: (train[name], test[name]) for name in published} == published
    assert min(train.values()) >= 1
    assert min(test.values()) >= 1
    assert label_of(data, "bahia cocoa review showers continued") == ["cocoa"]


def test_real_reuters46_is_as_keras_serves_it(test_data_dir: Path, tmp_path: Path):
    if not (test_data_dir / "reuters/reuters.npz").is_file():
        pytest.skip(f"no reuters.npz in {test_data_dir / 'reuters'}")
    data = load("reuters", REUTERS46, test_data_dir, tmp_path)
    assert (len(data.train_texts), len(data.test_texts)) == (8_982, 2_246)
    assert data.train_texts[0].startswith(
        "mcgrath rentcorp said as a result of its december acquisition of space co"
    )
    assert data.class_names[int(data.train_labels[0])] == "earn"
