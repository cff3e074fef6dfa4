from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    DataRequest,
    DownloadError,
    RemoteFile,
)
from hpo_torch_text.reuters52 import REUTERS52, Reuters52, modapte
from hpo_torch_text.reuters_sgml import Document

if TYPE_CHECKING:
    from pathlib import Path

# split, TOPICS, topics, text
STORIES = [
    ("TRAIN", "YES", ("earn",), "shr up"),
    ("TRAIN", "YES", ("cocoa",), "showers"),
    ("TRAIN", "YES", ("earn", "acq"), "two topics"),
    ("TRAIN", "YES", (), "no topic"),
    ("TRAIN", "NO", ("earn",), "not indexed"),
    ("TRAIN", "BYPASS", ("earn",), "bypassed"),
    ("NOT-USED", "YES", ("earn",), "not used"),
    ("TRAIN", "YES", ("rye",), "training only"),
    ("TEST", "YES", ("earn",), "shr down"),
    ("TEST", "YES", ("tin",), "test only"),
    ("TEST", "YES", ("cocoa",), "drought"),
    ("TRAIN", "YES", ("earn",), "net up"),
]


def sgml(stories: list[tuple[str, str, tuple[str, ...], str]]) -> bytes:
    return b'<!DOCTYPE lewis SYSTEM "lewis.dtd">\n' + b"".join(
        (
            f'<REUTERS TOPICS="{indexed}" LEWISSPLIT="{split}">\n'
            f"<TOPICS>{''.join(f'<D>{topic}</D>' for topic in topics)}</TOPICS>\n"
            f"<TEXT>&#2;<BODY>{text}&#3;</BODY></TEXT>\n</REUTERS>\n"
        ).encode()
        for split, indexed, topics, text in stories
    )


FILES = {"reut2-000.sgm": sgml(STORIES[:6]), "reut2-001.sgm": sgml(STORIES[6:])}


def packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("reut2-001.sgm", "README.txt", "reut2-000.sgm"):
            content = FILES.get(name, b"readme")
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def with_archive(content: bytes, *urls: str) -> Reuters52:
    served = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Reuters52(RemoteFile(name="reuters21578.tar.gz", urls=urls, served=served))


def offline(folder: Path, warnings: list[str] | None = None) -> DataRequest:
    warn = None if warnings is None else warnings.append
    return DataRequest(data_dir=folder, download=False, warn=warn)


def check(loader: Reuters52, folder: Path) -> str:
    warnings: list[str] = []
    loader.prepare(offline(folder, warnings))
    assert len(warnings) == 1
    assert (
        "3 training and 2 test stories with 2 topics found, R52 has 6,532 and 2,568"
        in (warnings[0])
    )
    data = loader.load(offline(folder))
    assert data.class_names == ("cocoa", "earn")
    assert list(data.train_texts) == ["shr up", "showers", "net up"]
    assert data.train_labels.tolist() == [1, 0, 1]
    assert list(data.test_texts) == ["shr down", "drought"]
    assert data.test_labels.tolist() == [1, 0]
    return data.fingerprint


def test_modapte_keeps_indexed_stories_with_one_topic():
    documents = [Document(split, yes, topics, text) for split, yes, topics, text in STORIES]
    train, test = modapte(documents)
    assert train == [
        ("shr up", "earn"),
        ("showers", "cocoa"),
        ("training only", "rye"),
        ("net up", "earn"),
    ]
    assert test == [("shr down", "earn"), ("test only", "tin"), ("drought", "cocoa")]


def test_reuters52_is_the_same_from_each_source(tmp_path: Path):
    fingerprints = set()
    for place in ("reuters", "reuters21578"):
        folder = tmp_path / f"sgml-{place}" / place
        folder.mkdir(parents=True)
        for name, content in FILES.items():
            (folder / name).write_bytes(content)
        fingerprints.add(check(REUTERS52, folder.parent))
        archive = tmp_path / f"archive-{place}" / place
        archive.mkdir(parents=True)
        (archive / "reuters21578.tar.gz").write_bytes(packed())
        fingerprints.add(check(with_archive(packed()), archive.parent))
    jsonl = tmp_path / "jsonl/reuters"
    jsonl.mkdir(parents=True)
    for part in ("train", "test"):
        lines = [
            json.dumps({"text": text, "topic": topics[0]})
            for split, indexed, topics, text in STORIES
            if (split, indexed, len(topics)) == (part.upper(), "YES", 1)
        ]
        (jsonl / f"r52-{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    fingerprints.add(check(REUTERS52, jsonl.parent))
    assert len(fingerprints) == 1


def test_reuters52_refuses_another_archive(tmp_path: Path):
    (tmp_path / "reuters").mkdir()
    (tmp_path / "reuters/reuters21578.tar.gz").write_bytes(packed())
    with pytest.raises(CorruptDataError, match=r"reuters21578\.tar\.gz: expected sha256:3bae43c"):
        REUTERS52.prepare(offline(tmp_path))


def test_reuters52_without_download_says_where_it_looked(tmp_path: Path):
    for call in (REUTERS52.prepare, REUTERS52.load):
        with pytest.raises(DataNotFoundError) as error:
            call(offline(tmp_path))
        for part in ("r52-train.jsonl", "reut2-*.sgm", tmp_path / "reuters21578", "daviddlewis"):
            assert str(part) in str(error.value)


def test_reuters52_reports_dead_mirrors(tmp_path: Path):
    loader = with_archive(b"", "http://127.0.0.1:9/one", "http://127.0.0.1:9/two")
    with pytest.raises(DownloadError, match=r"every mirror failed .*9/one.*9/two"):
        loader.prepare(DataRequest(data_dir=tmp_path))


@pytest.mark.parametrize("line", ["{", '{"text": "a"}', "[1]", "null"])
def test_reuters52_names_a_damaged_line(tmp_path: Path, line: str):
    (tmp_path / "reuters").mkdir()
    for part in ("train", "test"):
        content = f'{{"text": "a", "topic": "b"}}\n{line}\n'
        (tmp_path / f"reuters/r52-{part}.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(CorruptDataError, match=r"r52-train\.jsonl, line 2: expected"):
        REUTERS52.prepare(offline(tmp_path))


def test_reuters52_needs_two_common_topics(tmp_path: Path):
    (tmp_path / "reuters").mkdir()
    (tmp_path / "reuters/reut2-000.sgm").write_bytes(FILES["reut2-000.sgm"])
    with pytest.raises(DataError, match="at least 2 topics that occur in both parts, got 0"):
        REUTERS52.prepare(offline(tmp_path))
