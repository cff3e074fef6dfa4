"""A parsed text set in one file: 50,000 small files are read once, not at every start."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo_torch_text.text_set import Part, TextSet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]


def cached_texts(
    path: Path, key: str, read: Callable[[], TextSet], warn: Callable[[str], None] | None
) -> TextSet:
    """Return the set kept in `path` under `key`, or read it and keep it there.

    Args:
        path: A .npz file; replaced, in one step, when its key is another or it is damaged.
        key: Stands for the content that `read` would find.
        read: Reads the set from its own files.
        warn: Told when the set cannot be kept.
    """
    found = _load(path, key)
    if found is None:
        found = read()
        try:
            _save(path, key, found)
        except OSError as error:
            if warn is not None:
                warn(f"cannot keep {path} ({error.strerror}): every start reads all files again")
    return found


def _load(path: Path, key: str) -> TextSet | None:
    try:
        # opened here: np.load leaves a damaged archive open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            head = json.loads(bytes(arrays["head"]))
            if head["key"] != key:
                return None
            train, test = (_part(arrays, name) for name in ("train", "test"))
            return TextSet(train, test, tuple(head["class_names"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # absent, or damaged: then it is made anew


def _part(arrays: Arrays, name: str) -> Part:
    content, ends = bytes(arrays[f"{name}_utf8"]), arrays[f"{name}_ends"].tolist()
    starts = [0, *ends[:-1]]
    texts = [content[a:b].decode("utf-8") for a, b in zip(starts, ends, strict=True)]
    return Part(texts, arrays[f"{name}_labels"])


def _save(path: Path, key: str, texts: TextSet) -> None:
    from filelock import FileLock

    head = json.dumps({"key": key, "class_names": texts.class_names})
    arrays: dict[str, NDArray[Any]] = {"head": np.frombuffer(head.encode(), dtype=np.uint8)}
    for name, part in (("train", texts.train), ("test", texts.test)):
        arrays |= _arrays(name, part.texts) | {f"{name}_labels": part.labels}
    path.parent.mkdir(parents=True, exist_ok=True)
    # A fixed name, used under the lock only: what a killed process leaves is overwritten.
    temporary = path.with_name(f".{path.name}.part")
    with FileLock(path.with_name(f".{path.name}.lock")):
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        temporary.replace(path)


def _arrays(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    encoded = [text.encode("utf-8") for text in texts]
    return {
        f"{name}_utf8": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}_ends": np.cumsum([len(each) for each in encoded], dtype=np.int64),
    }
