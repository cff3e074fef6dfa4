from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hpo_torch_text.text_cache import cached_texts
from hpo_torch_text.text_set import Part, TextSet

if TYPE_CHECKING:
    from pathlib import Path


class Source:
    """Counts how often it is read."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.reads = texts, 0

    def read(self) -> TextSet:
        self.reads += 1
        train = Part(list(self.texts), np.arange(len(self.texts)))
        return TextSet(train, Part(["t"], np.array([0])), ("ä", "b", "c"))


def test_cached_texts_reads_once_a_key(tmp_path: Path):
    path, source = tmp_path / "new/texts.npz", Source("één", "", "line\nbreak")
    for _ in range(2):
        texts = cached_texts(path, "key", source.read, None)
        assert list(texts.train.texts) == ["één", "", "line\nbreak"]
        assert texts.train.labels.tolist() == [0, 1, 2]
        assert list(texts.test.texts) == ["t"]
        assert texts.class_names == ("ä", "b", "c")
        assert source.reads == 1
    cached_texts(path, "another key", source.read, None)
    assert source.reads == 2
    assert {each.name for each in path.parent.iterdir()} <= {"texts.npz", ".texts.npz.lock"}


@pytest.mark.parametrize("damage", [b"", b"no archive", None], ids=["empty", "other", "cut"])
def test_cached_texts_makes_a_damaged_file_anew(tmp_path: Path, damage: bytes | None):
    path, source = tmp_path / "texts.npz", Source("a", "b", "c")
    cached_texts(path, "key", source.read, None)
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    for _ in range(2):
        assert list(cached_texts(path, "key", source.read, None).train.texts) == ["a", "b", "c"]
    assert source.reads == 2


def test_cached_texts_warns_where_it_cannot_keep_them(tmp_path: Path):
    (tmp_path / "file").touch()
    warnings: list[str] = []
    path = tmp_path / "file/texts.npz"
    texts = cached_texts(path, "key", Source("a").read, warnings.append)
    assert list(texts.train.texts) == ["a"]
    assert len(warnings) == 1
    assert f"cannot keep {path}" in warnings[0]
