"""Reuters in 46 topics, as Keras serves and splits it, so that results compare with Keras'.

Files, checksums, split (test_split 0.2, seed 113) and topic names are those of
keras.datasets.reuters: 8,982 training and 2,246 test stories.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.plugin_api import (
    CorruptDataError,
    DataNotFoundError,
    RemoteFile,
    fetch_file,
    find_file,
    verify_file,
)
from hpo_torch_text.text_set import Part, TextSet, text_data

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest, TextData

_TEST_SPLIT = 0.2
_SEED = 113
# What Keras' own examples print for an id without a word.
_UNKNOWN = "?"

# fmt: off
TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply",
    "coffee", "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi",
    "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal",
    "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei", "bop", "zinc",
    "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuters46:
    """Loads Keras' two files from DATA_DIR/reuters.

    Attributes:
        stories: .npz of x, a list of word ids a story, and y, the topics 0..45.
        word_index: JSON of {word: id}.
        topics: Names of the topics, in order of y.
    """

    stories: RemoteFile
    word_index: RemoteFile
    topics: tuple[str, ...]

    def prepare(self, request: DataRequest) -> None:
        """Check the files that are there, and fetch those that are not.

        Raises:
            DataNotFoundError: Files are absent and may not be downloaded.
            CorruptDataError: A file's checksum is wrong.
            DownloadError: The archive cannot be had.
        """
        folder = request.data_dir / "reuters"
        for file in (self.stories, self.word_index):
            path = find_file(file, (folder,))
            if path is not None:
                verify_file(path, file)
            elif request.download:
                fetch_file(file, folder, request.progress)
            else:
                raise self._not_found(file, folder)

    def load(self, request: DataRequest) -> TextData:
        """Read the prepared files, split them as Keras does, and put words for ids."""
        folder = request.data_dir / "reuters"
        stories, words = self._path(self.stories, folder), self._path(self.word_index, folder)
        ids, topics = _read_stories(stories)
        by_id = {number: word for word, number in json.loads(words.read_text("utf-8")).items()}
        texts = [" ".join(by_id.get(number, _UNKNOWN) for number in story) for story in ids]
        if not (topics.min() >= 0 and topics.max() < len(self.topics)):
            raise CorruptDataError(f"{stories}: expected topics 0..{len(self.topics) - 1}")
        train, test = (
            Part([texts[position] for position in part], topics[part])
            for part in keras_split(len(texts))
        )
        return text_data(TextSet(train, test, self.topics))

    def _path(self, file: RemoteFile, folder: Path) -> Path:
        path = find_file(file, (folder,))
        if path is None:
            raise self._not_found(file, folder)
        verify_file(path, file)  # before it is unpickled
        return path

    def _not_found(self, file: RemoteFile, folder: Path) -> DataNotFoundError:
        return DataNotFoundError(
            f"reuters: {file.name} not found in {folder}. Set data.download to true to fetch it; "
            f"put {file.name} there by hand ({file.urls[0]}, or ~/.keras/datasets where Keras has "
            "been used); or use reuters52, which has other sources."
        )


def keras_split(count: int) -> tuple[list[int], list[int]]:
    """Return positions of the training and of the test stories, as Keras orders them.

    >>> keras_split(5)
    ([1, 0, 3, 2], [4])
    """
    order = np.arange(count)
    np.random.RandomState(_SEED).shuffle(order)
    cut = int(count * (1 - _TEST_SPLIT))
    return order[:cut].tolist(), order[cut:].tolist()


def _read_stories(path: Path) -> tuple[Iterable[list[int]], NDArray[np.int64]]:
    # Lists of different lengths are pickled; the checksum has told that these are Keras' own.
    with np.load(path, allow_pickle=True) as arrays:
        return arrays["x"], arrays["y"].astype(np.int64)


_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

REUTERS46 = Reuters46(
    stories=RemoteFile(
        name="reuters.npz",
        urls=(f"{_FOLDER}reuters.npz",),
        served="sha256:d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    ),
    word_index=RemoteFile(
        name="reuters_word_index.json",
        urls=(f"{_FOLDER}reuters_word_index.json",),
        served="md5:4d44cc38712099c9e383dc6e5f11a921",
    ),
    topics=TOPICS,
)
