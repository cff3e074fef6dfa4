"""Whatever a user has of an image as the pixels that a network takes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from hpo_torch.data.image_files import pixels_of, read_pixels
from hpo_torch.errors import CorruptDataError, DataNotFoundError, InvalidValueError, UsageError
from hpo_torch.results.found_paths import file_there

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from hpo_torch.data.image_files import Pixels

BATCH_SIZE = 256

_THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes and resizes outside of Python's lock
_CHANNELS = (1, 2, 3, 4)  # grey, grey and alpha, RGB, RGBA
_FLAT, _BATCH = 2, 4  # dimensions of a grey image and of a batch
_EXPECTED = (
    "a path, a Pillow image, or uint8 pixels [H, W], [H, W, channels] or [channels, H, W] "
    "with 1 to 4 channels"
)


class ImageEncoder:
    """Turns images into pixels of a network's shape.

    Args:
        input_spec: `model.hparams["input_spec"]` of a classifier of images.
    """

    def __init__(self, input_spec: Mapping[str, Any]) -> None:
        channels, height, width = input_spec["shape"]
        self.shape: tuple[int, int, int] = (channels, height, width)

    def batches(self, images: Sequence[Any]) -> Iterator[tuple[Tensor, tuple[Tensor]]]:
        """Yield positions int64 [B], and uint8 [B, C, H, W] of these images, in order.

        Raises:
            As `pixels`.
        """
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(images), BATCH_SIZE):
                some = images[start : start + BATCH_SIZE]
                yield torch.arange(start, start + len(some)), (self._stack(some, pool),)

    def _stack(self, images: Sequence[Any], pool: ThreadPoolExecutor) -> Tensor:
        batch: Any = images
        if isinstance(batch, torch.Tensor) and self._fits(batch):
            return batch
        return torch.from_numpy(np.stack(list(pool.map(self.pixels, images))))

    def _fits(self, images: Tensor) -> bool:
        return images.dtype == torch.uint8 and tuple(images.shape[1:]) == self.shape

    def pixels(self, image: Any) -> Pixels:
        """Return one image as uint8 [C, H, W], decoded and resized as own data are for training.

        Args:
            image: The path of a file, a Pillow image, or pixels as an array or tensor; pixels of
                the network's own shape are taken as they are.

        Raises:
            DataNotFoundError: There is no such file.
            CorruptDataError: The file, or the Pillow image, cannot be decoded.
            InvalidValueError: It is none of these, or its pixels have no known range.
            UsageError: The network's images have other channels than grey or RGB, and the image
                is not of the network's own shape.
        """
        if isinstance(image, str | Path):
            self._check_channels()
            return _read(Path(image), self.shape)
        if isinstance(image, Image.Image):
            self._check_channels()
            return _from_pillow(image, self.shape)
        array = np.asarray(image)
        if array.dtype == np.uint8 and array.shape == self.shape:
            return array
        self._check_channels()
        return _from_pillow(_pillow_image(array), self.shape)

    def _check_channels(self) -> None:
        if self.shape[0] not in (1, 3):
            raise UsageError(
                f"this model takes images of {self.shape[0]} channels, which no image file has. "
                f"Pass uint8 pixels of the shape {self.shape}."
            )


def listed_images(images: Any) -> Sequence[Any]:
    """Return one image, a list of them, or a batch of four dimensions as a sequence."""
    if isinstance(images, str | Path | Image.Image):
        return [images]
    if isinstance(images, np.ndarray | torch.Tensor):
        batch: Sequence[Any] = images if images.ndim == _BATCH else [images]  # type: ignore[assignment]
        return batch
    return list(images)


def _read(path: Path, shape: tuple[int, int, int]) -> Pixels:
    if not file_there(path):
        raise DataNotFoundError(f"{path}: expected an image file, found none")
    try:
        return read_pixels(path, shape)
    except Exception as error:  # decoders of damaged files raise almost anything
        raise CorruptDataError(f"{path} cannot be read as an image: {_reason(error)}") from error


def _from_pillow(image: Image.Image, shape: tuple[int, int, int]) -> Pixels:
    # Pillow decodes a file when its pixels are asked for, which is here.
    try:
        return pixels_of(image, shape)
    except ValueError as error:
        given = f"a Pillow image of mode {image.mode} and size {image.size}"
        raise InvalidValueError("image", _EXPECTED, given, f"{_reason(error)}.") from error
    except Exception as error:  # decoders of damaged files raise almost anything
        name = getattr(image, "filename", "") or f"Pillow image of size {image.size}"
        raise CorruptDataError(f"{name} cannot be decoded: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _pillow_image(array: NDArray[Any]) -> Image.Image:
    """Return pixels as an image, whichever side its channels are on."""
    deep = array.dtype == np.uint16 and array.ndim == _FLAT
    if array.size == 0 or (array.dtype != np.uint8 and not deep):
        raise InvalidValueError("image", _EXPECTED, f"{array.dtype} {list(array.shape)}")
    if array.ndim == _FLAT:
        return Image.fromarray(array)
    if array.ndim == _FLAT + 1 and array.shape[2] in _CHANNELS:
        return _from_channels_last(array)
    if array.ndim == _FLAT + 1 and array.shape[0] in _CHANNELS:
        return _from_channels_last(array.transpose(1, 2, 0))
    raise InvalidValueError("image", _EXPECTED, f"{array.dtype} {list(array.shape)}")


def _from_channels_last(array: NDArray[np.uint8]) -> Image.Image:
    # Pillow knows 2, 3 and 4 channels, and wants grey images without that axis.
    return Image.fromarray(np.ascontiguousarray(array[:, :, 0] if array.shape[2] == 1 else array))
