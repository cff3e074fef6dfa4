"""IMDB: 50,000 film reviews, positive or negative, in the folders of the Large Movie Review set.

A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng, C. Potts: Learning Word Vectors for
Sentiment Analysis. ACL 2011, https://ai.stanford.edu/~amaas/data/sentiment/. The archive's
checksum is the one that TensorFlow Datasets, Hugging Face and others record.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    RemoteArchive,
    fetch_archive,
)
from hpo_torch_text.text_cache import cached_texts
from hpo_torch_text.text_set import Part, TextSet, text_data

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hpo_torch.plugin_api import DataRequest, TextData

_CLASSES = {"neg": "negative", "pos": "positive"}
_FULL_PART = 25_000
_PARTS = ("train", "test")


@dataclass(frozen=True, slots=True)
class ReviewFolder:
    """The reviews of one class in one part.

    Attributes:
        path: The folder.
        part: "train" or "test".
        label: 0 negative, 1 positive.
        names: Of the files, in order.
        stamps: Each file's size and time of change.
    """

    path: Path
    part: str
    label: int
    names: list[str]
    stamps: list[str]


@dataclass(frozen=True, slots=True)
class Imdb:
    """Loads {train,test}/{neg,pos}/*.txt from DATA_DIR/imdb/aclImdb or DATA_DIR/aclImdb.

    Attributes:
        archive: What is downloaded, to DATA_DIR/imdb, where neither folder is there.
    """

    archive: RemoteArchive

    def prepare(self, request: DataRequest) -> None:
        """Fetch the set unless it is there, count it, and gather it into one file.

        A part of the set is accepted, with a warning that says how much of it there is.

        Raises:
            DataNotFoundError: It is absent and may not be downloaded.
            DataError: A class has no review at all.
            CorruptDataError: A review is not UTF-8.
        """
        home = request.data_dir / "imdb"
        if self._find(request) is None:
            if not request.download and not (home / self.archive.name).is_file():
                raise self._not_found(request)
            fetch_archive(self.archive, home, request.progress)
        self._texts(request)

    def load(self, request: DataRequest) -> TextData:
        """Read the prepared set; raises DataNotFoundError where there is none."""
        return text_data(self._texts(request))

    def _texts(self, request: DataRequest) -> TextSet:
        folder = self._find(request)
        if folder is None:
            raise self._not_found(request)
        reviews = list_reviews(folder)
        counts = {p: sum(len(each.names) for each in reviews if each.part == p) for p in _PARTS}
        if request.warn is not None and set(counts.values()) != {_FULL_PART}:
            request.warn(
                f"imdb: {folder} holds {counts['train']:,} training and {counts['test']:,} test "
                f"reviews, the whole set {_FULL_PART:,} each: results do not compare with others'"
            )
        cache = request.data_dir / "imdb" / "texts.npz"
        return cached_texts(cache, _key(reviews), lambda: _read(reviews), request.warn)

    def _find(self, request: DataRequest) -> Path | None:
        return next((folder for folder in _folders(request) if folder.is_dir()), None)

    def _not_found(self, request: DataRequest) -> DataNotFoundError:
        first, second = _folders(request)
        return DataNotFoundError(
            f"imdb: not found, neither {first} nor {second}. Set data.download to true to fetch "
            f"it, put {self.archive.name} ({self.archive.urls[0]}) into {first.parent}, or point "
            "data.dir (HPO_TORCH_DATA_DIR) at the folder that has it."
        )


def list_reviews(folder: Path) -> list[ReviewFolder]:
    """List the four folders of reviews: training before test, negative before positive.

    Raises:
        DataError: One of them has none.
    """
    listed = []
    for part in _PARTS:
        for label, name in enumerate(_CLASSES):
            inside = folder / part / name
            found = _text_files(inside) if inside.is_dir() else []
            if not found:
                raise DataError(
                    f"imdb: expected reviews in {inside}/*.txt, found none. Delete {folder} to "
                    "have it fetched anew, or add the missing files."
                )
            names, stamps = map(list, zip(*found, strict=True))
            listed.append(ReviewFolder(inside, part, label, names, stamps))
    return listed


def _text_files(folder: Path) -> list[tuple[str, str]]:
    with os.scandir(folder) as entries:
        # Names that begin with a dot are those that macOS adds to archives.
        texts = [e for e in entries if e.name.endswith(".txt") and not e.name.startswith(".")]
        stats = [(entry.name, entry.stat()) for entry in texts]
    return sorted((name, f"{stat.st_size} {stat.st_mtime_ns}") for name, stat in stats)


def _key(reviews: Iterable[ReviewFolder]) -> str:
    """Stand for the files' content by names, sizes and times: reading them takes much longer."""
    digest = hashlib.sha256()
    for each in reviews:
        digest.update(f"{each.part} {each.label}\n".encode())
        for name, stamp in zip(each.names, each.stamps, strict=True):
            digest.update(f"{name} {stamp}\n".encode())
    return digest.hexdigest()


def _read(reviews: Iterable[ReviewFolder]) -> TextSet:
    texts: dict[str, list[str]] = {part: [] for part in _PARTS}
    labels: dict[str, list[int]] = {part: [] for part in _PARTS}
    for each in reviews:
        texts[each.part] += [_read_review(each.path / name) for name in each.names]
        labels[each.part] += [each.label] * len(each.names)
    train, test = (Part(texts[part], np.array(labels[part], dtype=np.int64)) for part in _PARTS)
    return TextSet(train, test, tuple(_CLASSES.values()))


def _read_review(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptDataError(
            f"{path}: expected a text in UTF-8, got: {error}. Delete it and run again, or "
            "restore it."
        ) from error


def _folders(request: DataRequest) -> tuple[Path, Path]:
    return request.data_dir / "imdb" / "aclImdb", request.data_dir / "aclImdb"


IMDB = Imdb(
    RemoteArchive(
        name="aclImdb_v1.tar.gz",
        holds="aclImdb",
        urls=(
            "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            "http://d2l-data.s3-accelerate.amazonaws.com/aclImdb_v1.tar.gz",
        ),
        served="sha256:c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    )
)
