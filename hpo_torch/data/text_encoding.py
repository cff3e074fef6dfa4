"""A text set's vocabulary and token ids: made once, kept on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from hpo_torch.data.token_ids import TokenIds
from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from hpo_torch.data.spec import TextData
    from hpo_torch.data.tokenizer import TextTokenizer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """A text set as numbers.

    It holds every distinct token; a smaller vocabulary is the first so many of them
    (`TokenIds.shorten`), so that one encoding serves all vocabulary sizes.

    Attributes:
        tokens: Every token of the training part, the commonest first; its place is its id.
        train: The N examples that train and validate.
        test: The official test set.
    """

    tokens: tuple[str, ...]
    train: TokenIds
    test: TokenIds


def encode_texts(
    data: TextData, trains: Tensor, tokenizer: type[TextTokenizer], folder: Path
) -> TextEncoding:
    """Learn the vocabulary from the training part alone and encode all texts.

    Args:
        data: The whole set.
        trains: int64 [T], positions of the examples that train.
        tokenizer: How texts become tokens.
        folder: Where encodings are kept; a set without a fingerprint is not kept, and a folder
            that cannot be written is one warning in the log.
    """
    if not data.fingerprint:
        return _encode(data, trains, tokenizer)
    path = folder / f"{_key(data, trains, tokenizer)}.npz"
    kept = _read(path)
    if kept is None:
        kept = _encode(data, trains, tokenizer)
        try:
            _write(path, kept)
        except OutputError as error:  # data may lie where only reading is allowed
            _log.warning("texts will be encoded anew next time: %s", error)
    return kept


def _encode(data: TextData, trains: Tensor, tokenizer: type[TextTokenizer]) -> TextEncoding:
    learned = tokenizer.learn([data.train_texts[position] for position in trains.tolist()])
    return TextEncoding(
        tokens=learned.tokens,
        train=TokenIds.of(learned.encode(data.train_texts)),
        test=TokenIds.of(learned.encode(data.test_texts)),
    )


def _key(data: TextData, trains: Tensor, tokenizer: type[TextTokenizer]) -> str:
    """Hash all that an encoding depends on."""
    # The fingerprint covers a test part that is withheld, the encoding does not hold it.
    withheld = "without test\0" if data.test_withheld else ""
    hashed = hashlib.sha256(f"{data.fingerprint}\0{tokenizer.RULE}\0{withheld}".encode())
    hashed.update(trains.cpu().numpy().tobytes())
    return hashed.hexdigest()[:32]


def _write(path: Path, encoding: TextEncoding) -> None:
    tokens = json.dumps(encoding.tokens, ensure_ascii=False).encode()
    with replacing(path) as file:
        np.savez(
            file,
            tokens=np.frombuffer(tokens, dtype=np.uint8),
            train_ids=encoding.train.ids.numpy(),
            train_offsets=encoding.train.offsets.numpy(),
            test_ids=encoding.test.ids.numpy(),
            test_offsets=encoding.test.offsets.numpy(),
        )


def _read(path: Path) -> TextEncoding | None:
    """Return what was kept; None where nothing readable is: it is made anew then."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            parts = {name: torch.from_numpy(kept[name]) for name in kept.files if name != "tokens"}
            return TextEncoding(
                tokens=tuple(json.loads(kept["tokens"].tobytes())),
                train=TokenIds(parts["train_ids"], parts["train_offsets"]),
                test=TokenIds(parts["test_ids"], parts["test_offsets"]),
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
