"""The pixels of many image files, decoded once and kept as one memory-mapped array."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hpo_torch.plugin_api import DECODER_VERSION, read_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

DECODED_FOLDER = ".decoded-images"  # in the folder of all data sets
_THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes and resizes outside of Python's lock
_UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})


class Sizing(Protocol):
    """Decides the shape of all images from the files; its repr tells one rule from another."""

    def __call__(self, paths: Sequence[Path]) -> tuple[int, int, int]:
        """Return (channels, height, width)."""


@dataclass(frozen=True, slots=True)
class FixedShape:
    """The same shape for every set."""

    shape: tuple[int, int, int]

    def __call__(self, paths: Sequence[Path]) -> tuple[int, int, int]:
        """Return (channels, height, width)."""
        return self.shape


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Image files, in order.

    Attributes:
        root: The folder they are in.
        names: Their paths from there, with "/".
        sizing: Decides the shape that they are to have.
    """

    root: Path
    names: tuple[str, ...]
    sizing: Sizing

    def paths(self) -> list[Path]:
        """Return the path of each."""
        return [self.root / name for name in self.names]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be decoded.

    Attributes:
        position: In `ImageFiles.names`.
        reason: What the decoder said.
    """

    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class DecodedImages:
    """Decoded files.

    Attributes:
        pixels: uint8 [N, C, H, W], memory-mapped (copied on writing) where they are kept; black
            where unreadable.
        unreadable: The files that could not be decoded, in order.
    """

    pixels: Pixels
    unreadable: tuple[Unreadable, ...]

    def usable(self) -> Pixels:
        """Return the pixels of the files that could be decoded; no copy if all could."""
        return self.pixels[self.readable()] if self.unreadable else self.pixels

    def readable(self) -> NDArray[np.bool_]:
        """Return bool [N]: which files could be decoded."""
        mask = np.ones(len(self.pixels), dtype=bool)
        mask[[each.position for each in self.unreadable]] = False
        return mask


def decoded(
    files: ImageFiles, cache: Path, warn: Callable[[str], None] | None = None
) -> DecodedImages:
    """Return the pixels of `files`: kept ones if the files are still the same, else decoded now.

    Files are the same when their names, sizes and times of change are. What is kept is complete
    or absent, and replaces what was kept of the same folder by the same rule. Safe against other
    processes that do the same: one decodes, the others wait for it. Where nothing can be written
    the pixels are in memory only, after a warning.

    Args:
        files: Which files.
        cache: The folder of kept pixels, made if absent.
        warn: Takes one line.

    Raises:
        FileNotFoundError: A file has vanished.
    """
    source = _short_hash(str(files.root.resolve()), repr(files.sizing))
    kept = cache / f"{source}-{_state(files)}"
    if kept.is_dir():
        return _read(kept)
    try:
        return _keep(files, kept, source)
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        if warn is not None:
            warn(
                f"cannot keep decoded images in {cache} ({error.strerror}): every process decodes "
                "them again"
            )
    pixels = np.zeros((len(files.names), *files.sizing(files.paths())), np.uint8)
    return DecodedImages(pixels, tuple(_decode(files, pixels)))


def _keep(files: ImageFiles, kept: Path, source: str) -> DecodedImages:
    from filelock import FileLock

    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_name(f".{source}.lock")):
        if not kept.is_dir():
            _decode_into(files, kept, kept.with_name(f".{source}.part"))
            for other in kept.parent.glob(f"{source}-*"):
                if other != kept:
                    shutil.rmtree(other, ignore_errors=True)  # a reader on Windows may hold it
        return _read(kept)


def _decode_into(files: ImageFiles, kept: Path, part: Path) -> None:
    # A fixed name, used under the lock only: what a killed process leaves is overwritten.
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    shape = (len(files.names), *files.sizing(files.paths()))
    pixels = np.lib.format.open_memmap(part / "pixels.npy", mode="w+", dtype=np.uint8, shape=shape)
    unreadable = _decode(files, pixels)
    pixels.flush()
    del pixels  # Windows renames no folder with a mapped file in it
    failures = json.dumps([asdict(each) for each in unreadable])
    (part / "unreadable.json").write_text(failures, encoding="utf-8")
    part.replace(kept)


def _decode(files: ImageFiles, pixels: Pixels) -> list[Unreadable]:
    channels, height, width = pixels.shape[1:]

    def decode_one(position: int) -> Unreadable | None:
        path = files.root / files.names[position]
        try:
            pixels[position] = read_pixels(path, (channels, height, width))
        except Exception as error:  # decoders of damaged files raise almost anything
            return Unreadable(position, str(error) or type(error).__name__)
        return None

    with ThreadPoolExecutor(_THREADS) as pool:
        failures = pool.map(decode_one, range(len(files.names)))
        return [failure for failure in failures if failure is not None]


def _read(kept: Path) -> DecodedImages:
    failures = json.loads((kept / "unreadable.json").read_text(encoding="utf-8"))
    pixels = np.load(kept / "pixels.npy", mmap_mode="c")  # "c": torch warns of read-only memory
    return DecodedImages(pixels, tuple(Unreadable(**each) for each in failures))


def _state(files: ImageFiles) -> str:
    """Hash what tells whether the files have changed."""
    root = str(files.root)
    # Not pathlib, which takes longer than the file system does.
    stats = (os.stat(f"{root}/{name}") for name in files.names)  # noqa: PTH116
    lines = [
        f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}"
        for name, stat in zip(files.names, stats, strict=True)
    ]
    return _short_hash(str(DECODER_VERSION), *lines)


def _short_hash(*lines: str) -> str:
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]
