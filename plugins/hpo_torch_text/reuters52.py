"""Reuters-21578 R52: ModApte's split, stories with one topic, 52 topics found in both parts.

The form of A. Cardoso-Cachopo's R52 (https://ana.cachopo.org/datasets-for-single-label-text-
categorization): 6,532 training and 2,568 test stories. The archive's checksum is the one that
scikit-learn's documentation records.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    RemoteFile,
    fetch_file,
    verify_file,
)
from hpo_torch_text.reuters_sgml import Document, parse_documents
from hpo_torch_text.text_set import Part, TextSet, text_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hpo_torch.plugin_api import DataRequest, TextData

    Story = tuple[str, str]  # text, topic

_SIZES = (6_532, 2_568)
_SGML_NAME = re.compile(r"(?:.*/)?reut2-\d{3}\.sgm")
_PARTS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Reuters52:
    """Loads the first of these: prepared JSONL, the SGML files, the archive that holds them.

    DATA_DIR/reuters/r52-{train,test}.jsonl with {"text": ..., "topic": ...} in each line;
    reut2-*.sgm in DATA_DIR/reuters or DATA_DIR/reuters21578; the archive in the same folders.

    Attributes:
        archive: The collection's .tar.gz, downloaded to DATA_DIR/reuters; never unpacked on disk.
    """

    archive: RemoteFile

    def prepare(self, request: DataRequest) -> None:
        """Fetch the collection unless it is there in one of its forms, and read it through.

        Another number of stories than R52's is accepted, with a warning that says which.

        Raises:
            DataNotFoundError: It is absent and may not be downloaded.
            DataError: Fewer than two topics occur in both parts.
            CorruptDataError: A file is damaged; the message names it.
        """
        if self._find(request) is None:
            if not request.download:
                raise self._not_found(request)
            fetch_file(self.archive, request.data_dir / "reuters", request.progress)
        texts = self._read(request)
        sizes = len(texts.train.texts), len(texts.test.texts)
        whole = sizes == _SIZES
        if request.warn is not None and not whole:
            request.warn(
                f"reuters52: {sizes[0]:,} training and {sizes[1]:,} test stories with "
                f"{len(texts.class_names)} topics found, R52 has {_SIZES[0]:,} and {_SIZES[1]:,} "
                "with 52: results do not compare with others'"
            )

    def load(self, request: DataRequest) -> TextData:
        """Read the prepared set; raises DataNotFoundError where there is none."""
        return text_data(self._read(request))

    def _read(self, request: DataRequest) -> TextSet:
        files = self._find(request)
        if files is None:
            raise self._not_found(request)
        if files[0].suffix == ".jsonl":
            train, test = (list(_read_jsonl(path)) for path in files)
        elif files[0].name == self.archive.name:
            verify_file(files[0], self.archive)
            train, test = modapte(_read_archive(files[0]))
        else:
            train, test = modapte(_read_sgml(files))
        return r52(train, test)

    def _find(self, request: DataRequest) -> list[Path] | None:
        """Return the two JSONL files, the SGML files, or the archive; None without any."""
        folders = _folders(request)
        jsonl = [folders[0] / f"r52-{part}.jsonl" for part in _PARTS]
        if all(path.is_file() for path in jsonl):
            return jsonl
        for folder in folders:
            if sgml := sorted(folder.glob("reut2-*.sgm")):
                return sgml
        archives = (folder / self.archive.name for folder in folders)
        return next(([path] for path in archives if path.is_file()), None)

    def _not_found(self, request: DataRequest) -> DataNotFoundError:
        first, second = _folders(request)
        return DataNotFoundError(
            f"reuters52: no r52-train.jsonl with r52-test.jsonl, no reut2-*.sgm and no "
            f"{self.archive.name} found in {first} or {second}. Set data.download to true to "
            f"fetch it, put {self.archive.name} ({self.archive.urls[0]}) there, or point data.dir "
            "(HPO_TORCH_DATA_DIR) at the folder that has it."
        )


def modapte(documents: Iterable[Document]) -> tuple[list[Story], list[Story]]:
    """Return the training and test stories of ModApte's split that have exactly one topic."""
    parts: dict[str, list[Story]] = {"TRAIN": [], "TEST": []}
    for document in documents:
        if document.indexed == "YES" and document.split in parts and len(document.topics) == 1:
            parts[document.split].append((document.text, document.topics[0]))
    return parts["TRAIN"], parts["TEST"]


def r52(train: list[Story], test: list[Story]) -> TextSet:
    """Keep the topics that occur in both parts; of all of Reuters-21578 these are 52.

    Raises:
        DataError: They are fewer than two.
    """
    topics = sorted({topic for _, topic in train} & {topic for _, topic in test})
    if len(topics) < len(_PARTS):
        raise DataError(
            f"reuters52: expected at least 2 topics that occur in both parts, got {len(topics)} "
            f"(of {len(train)} training and {len(test)} test stories). Add the missing files."
        )
    codes = {topic: code for code, topic in enumerate(topics)}
    parts = []
    for stories in (train, test):
        kept = [story for story in stories if story[1] in codes]
        labels = np.array([codes[topic] for _, topic in kept], dtype=np.int64)
        parts.append(Part([text for text, _ in kept], labels))
    return TextSet(parts[0], parts[1], tuple(topics))


def _read_jsonl(path: Path) -> Iterator[Story]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                story = json.loads(line)
                yield story["text"], story["topic"]
            except (ValueError, TypeError, KeyError) as error:
                raise CorruptDataError(
                    f'{path}, line {number}: expected {{"text": ..., "topic": ...}}, got '
                    f"{line[:60]!r}. Delete the file and run again, or restore it."
                ) from error


def _read_sgml(paths: Iterable[Path]) -> Iterator[Document]:
    for path in paths:
        yield from parse_documents(path.read_bytes(), str(path))


def _read_archive(path: Path) -> Iterator[Document]:
    # Its checksum has been verified.
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        members = [each for each in archive if _SGML_NAME.fullmatch(each.name)]
        for member in sorted(members, key=lambda each: each.name):
            content = archive.extractfile(member)
            if content is not None:
                yield from parse_documents(content.read(), f"{path}/{member.name}")


def _folders(request: DataRequest) -> tuple[Path, Path]:
    return request.data_dir / "reuters", request.data_dir / "reuters21578"


REUTERS52 = Reuters52(
    RemoteFile(
        name="reuters21578.tar.gz",
        urls=(
            "http://www.daviddlewis.com/resources/testcollections/reuters21578/reuters21578.tar.gz",
            "http://kdd.ics.uci.edu/databases/reuters21578/reuters21578.tar.gz",
            "https://archive.ics.uci.edu/ml/machine-learning-databases/reuters21578-mld/"
            "reuters21578.tar.gz",
        ),
        served="sha256:3bae43c9b14e387f76a61b6d82bf98a4fb5d3ef99ef7e7075ff2ccbcf59f9d30",
    )
)
