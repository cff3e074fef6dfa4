"""The training part of a data set as one compressed file, and back; the test part stays at home.

The file is a zip archive of .npy arrays and a head in JSON: numpy alone could read it, and nothing
in it can run code. Equal data make equal bytes.
"""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo_torch.plugin_api import CorruptDataError, ImageData, TextData

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import IO

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Positions = NDArray[np.int64]

_HEAD, _IMAGES, _LABELS, _GROUPS = "head.json", "images.npy", "labels.npy", "groups.npy"
_UTF8, _ENDS = "utf8.npy", "ends.npy"
# LZMA makes photographs 17 % and digits 14 % smaller than DEFLATE does, in five times the time.
_LZMA_UP_TO = 16_000_000  # bytes before compression
_CHUNK_BYTES = 8_000_000
_JSON = "utf-8"
_LONE_SURROGATES = "surrogatepass"  # JSON can hold them, strict UTF-8 cannot


def unpacked_size(data: ImageData | TextData) -> int:
    """Return how many bytes the examples of the training part are, about."""
    if isinstance(data, ImageData):
        return data.train_images.numel()
    return sum(map(len, data.train_texts))


def pack(data: ImageData | TextData, path: Path, positions: Positions, fingerprint: str) -> None:
    """Write the training part, without a copy of it in memory.

    Args:
        data: The set.
        path: The file; replaced.
        positions: Of the examples that are packed, ascending.
        fingerprint: What the packed set is known by.
    """
    small = unpacked_size(data) * len(positions) <= _LZMA_UP_TO * len(data.train_labels)
    compression = zipfile.ZIP_LZMA if small else zipfile.ZIP_DEFLATED
    head = {
        "kind": "images" if isinstance(data, ImageData) else "texts",
        "class_names": data.class_names,
        "fingerprint": fingerprint,
    }
    with zipfile.ZipFile(path, "w", compression) as archive:
        with _member(archive, _HEAD) as file:
            file.write(json.dumps(head).encode(_JSON))
        _write(archive, _LABELS, data.train_labels.cpu().numpy()[positions])
        if data.groups is not None:
            _write(archive, _GROUPS, data.groups.cpu().numpy()[positions])
        if isinstance(data, ImageData):
            _write_images(archive, data.train_images.numpy(), positions)
        else:
            _write_texts(archive, [data.train_texts[position] for position in positions.tolist()])


def unpack(path: Path, folder: Path) -> None:
    """Write what `pack` wrote as files that `read` reads; `folder` exists.

    Raises:
        CorruptDataError: The file is none of ours.
    """
    known = {_HEAD, _IMAGES, _LABELS, _GROUPS, _UTF8, _ENDS}
    try:
        with zipfile.ZipFile(path) as archive:
            if not set(archive.namelist()) <= known:
                raise CorruptDataError(f"{path}: expected only {', '.join(sorted(known))}")
            archive.extractall(folder)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise CorruptDataError(f"{path} cannot be unpacked: {error}") from error


def read(folder: Path) -> ImageData | TextData:
    """Return the set in `folder`, its test part withheld; images are memory-mapped."""
    import torch

    head = json.loads((folder / _HEAD).read_text(_JSON))
    labels = torch.from_numpy(_load(folder / _LABELS))
    about: dict[str, Any] = {
        "train_labels": labels,
        "test_labels": labels[:0],
        "class_names": tuple(head["class_names"]),
        "fingerprint": head["fingerprint"],
        "test_withheld": True,
    }
    if (folder / _GROUPS).exists():
        about["groups"] = torch.from_numpy(_load(folder / _GROUPS))
    if head["kind"] == "texts":
        return TextData(train_texts=_read_texts(folder), test_texts=[], **about)
    # "c", copied on writing: torch warns of read-only memory
    images = torch.from_numpy(np.load(folder / _IMAGES, mmap_mode="c", allow_pickle=False))
    return ImageData(train_images=images, test_images=images[:0], **about)


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    # Its date is fixed, so that equal data are equal bytes.
    about = zipfile.ZipInfo(name)
    about.compress_type = archive.compression
    return archive.open(about, "w", force_zip64=True)


def _write(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    _write_chunks(archive, name, array.dtype, array.shape, iter([array]))


def _write_images(archive: zipfile.ZipFile, images: Array, positions: Positions) -> None:
    at_once = max(1, _CHUNK_BYTES // max(1, images[0].nbytes))
    chunks = (
        images[positions[start : start + at_once]] for start in range(0, len(positions), at_once)
    )
    shape = (len(positions), *images.shape[1:])
    _write_chunks(archive, _IMAGES, images.dtype, shape, chunks)


def _write_chunks(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    chunks: Iterator[Array],
) -> None:
    """Write one .npy array piece by piece: `numpy.save` would want it whole."""
    head = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with _member(archive, name) as file:
        np.lib.format.write_array_header_2_0(file, head)
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk).data.cast("B"))


def _write_texts(archive: zipfile.ZipFile, texts: Sequence[str]) -> None:
    encoded = [text.encode("utf-8", _LONE_SURROGATES) for text in texts]
    _write(archive, _UTF8, np.frombuffer(b"".join(encoded), np.uint8))
    _write(archive, _ENDS, np.cumsum([len(each) for each in encoded], dtype=np.int64))


def _read_texts(folder: Path) -> list[str]:
    content, ends = _load(folder / _UTF8).tobytes(), _load(folder / _ENDS).tolist()
    return [
        content[start:end].decode("utf-8", _LONE_SURROGATES)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _load(path: Path) -> Array:
    array: Array = np.load(path, allow_pickle=False)
    return array
