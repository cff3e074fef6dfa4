"""What a model says of files, one answer each: what cannot be read is an answer, too."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpo_torch.data.image_listing import list_images
from hpo_torch.errors import DataError
from hpo_torch.inference.image_inputs import BATCH_SIZE, ImageEncoder
from hpo_torch.results.found_paths import folder_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hpo_torch.data.image_files import Pixels
    from hpo_torch.inference.trained_model import Prediction, TrainedModel

_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one example.

    Attributes:
        source: The image's path; or the text's file and line (from 1), or "--text".
        prediction: None where the example could not be read.
        text: The text; None of images.
        problem: Why it could not be read.
    """

    source: str
    prediction: Prediction | None = None
    text: str | None = None
    problem: str = ""


def answer_images(
    model: TrainedModel, encoder: ImageEncoder, names: Sequence[str]
) -> Iterator[Answer]:
    """Classify image files, and all images in folders and below, in order.

    Args:
        model: Of images.
        encoder: The model's.
        names: Paths of files and folders.
    """
    paths: list[Path | Answer] = [each for name in names for each in _images_of(Path(name))]
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(paths), BATCH_SIZE):
            some = paths[start : start + BATCH_SIZE]
            yield from _answer_batch(model, some, list(pool.map(_reading(encoder), some)))


def _images_of(path: Path) -> list[Path | Answer]:
    if not folder_there(path):
        return [path]
    images = [path / name for name in list_images(path)]
    return [*images] or [Answer(str(path), problem=f"{path}: expected images in it, found none")]


def _reading(encoder: ImageEncoder) -> Callable[[Path | Answer], Pixels | Answer]:
    def read(path: Path | Answer) -> Pixels | Answer:
        if isinstance(path, Answer):
            return path
        try:
            return encoder.pixels(path)
        except DataError as error:
            return Answer(str(path), problem=str(error))

    return read


def _answer_batch(
    model: TrainedModel, paths: Sequence[Path | Answer], read: Sequence[Pixels | Answer]
) -> Iterator[Answer]:
    pixels = [each for each in read if not isinstance(each, Answer)]
    predictions = iter(model.predict(np.stack(pixels)) if pixels else [])
    for path, each in zip(paths, read, strict=True):
        yield each if isinstance(each, Answer) else Answer(str(path), next(predictions))


def answer_texts(model: TrainedModel, texts: Sequence[Answer]) -> list[Answer]:
    """Classify texts; what already is a problem stays one.

    Args:
        model: Of texts.
        texts: From `lines_of_file` and the like, without predictions.
    """
    known = [each.text for each in texts if each.text is not None]
    predictions = iter(model.predict(known))
    return [
        each if each.text is None else Answer(each.source, next(predictions), each.text)
        for each in texts
    ]


def lines_of_file(path: Path) -> list[Answer]:
    """Read a file of texts, as `lines_of_bytes` does; one that cannot be read is a problem."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        return [Answer(str(path), problem=f"{path} cannot be read: {reason}")]
    return lines_of_bytes(content, str(path))


def lines_of_bytes(content: bytes, name: str) -> list[Answer]:
    """Take texts, one a line, in UTF-8; empty lines are left out.

    Args:
        content: With any line ends, and with a byte order mark or without.
        name: Of where they come from.

    Returns:
        The texts; or one problem, where the bytes are not UTF-8 or there is no text.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [Answer(name, problem=f"{name}: expected texts in UTF-8, a line each: {error}")]
    # Not str.splitlines: a text may hold a form feed or a Unicode line separator.
    numbered = enumerate(io.StringIO(text, newline=None), start=1)
    texts = [(number, line.strip()) for number, line in numbered]
    found = [Answer(f"{name}:{number}", text=line) for number, line in texts if line]
    return found or [Answer(name, problem=f"{name}: expected texts, a line each, found none")]


def argument_text(text: str, name: str) -> Answer:
    """Take a text of the command line; an empty one, or one that was not UTF-8, is a problem.

    Args:
        text: As Python has it: bytes that it could not decode are lone surrogates in it.
        name: Of the option.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return Answer(name, problem=f"{name}: expected a text in UTF-8, got {text!a}")
    if not text.strip():
        return Answer(name, problem=f"{name}: expected a text, got {text!r}")
    return Answer(name, text=text)
