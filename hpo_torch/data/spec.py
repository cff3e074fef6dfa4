"""What a data set is: the files it prepares, and the arrays it loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Where files belong and what may be done to get them.

    Attributes:
        data_dir: Folder of all data sets' files.
        download: Whether missing files may be fetched.
        progress: Called with (file name, bytes so far, bytes in all or 0 where unknown).
    """

    data_dir: Path
    download: bool = True
    progress: Callable[[str, int, int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageData:
    """A whole image set in memory.

    Attributes:
        train_images: uint8 [N, C, H, W].
        train_labels: int64 [N], 0..num_classes-1.
        test_images: uint8 [M, C, H, W]: the official test set, scored once, for the winner.
        test_labels: int64 [M].
        class_names: One name per class.
        groups: int64 [N]; examples of one group stay on one side of the validation split.
        fingerprint: Hash of the content: equal data, equal fingerprint.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    class_names: tuple[str, ...]
    groups: Tensor | None = field(default=None)
    fingerprint: str = ""


class DatasetLoader(Protocol):
    """What a `DatasetSpec`'s target is."""

    def prepare(self, request: DataRequest) -> None:
        """Make every file present and verified; called in the main process, without torch.

        Raises:
            DataNotFoundError: Files are absent and may not be downloaded.
            CorruptDataError: A file's checksum is wrong; the message names the file.
            DownloadError: Every mirror failed.
        """

    def load(self, request: DataRequest) -> ImageData:
        """Read the prepared files into memory; called once in each worker."""
