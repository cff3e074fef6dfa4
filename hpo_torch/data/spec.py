"""What a data set is: the files it prepares, and the arrays it loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Where files belong and what may be done to get them.

    Attributes:
        data_dir: Folder of all data sets' files.
        download: Whether missing files may be fetched.
        progress: Called with (file name, bytes so far, bytes in all or 0 where unknown).
        warn: Takes one line about something that is not as it should be, but no error.
        path: The user's own folder or file, for data sets that read one (`--data-path`).
        text_column: Name of the column of texts in the user's table.
        label_column: Name of the column of labels in the user's table.
        skip_corrupt: Leave unreadable files out, with one warning, instead of raising.
        image_size: Length in pixels of the longer side of the user's own images, after resizing.
    """

    data_dir: Path
    download: bool = True
    progress: Callable[[str, int, int], None] | None = None
    warn: Callable[[str], None] | None = None
    path: Path | None = None
    text_column: str | None = None
    label_column: str | None = None
    skip_corrupt: bool = False
    image_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """What a search must know of a data set before it is loaded.

    Attributes:
        num_classes: Number of classes.
        input_shape: (channels, height, width) of an image; () of a text.
        sizes: Number of training and test examples.
    """

    num_classes: int
    input_shape: tuple[int, ...]
    sizes: tuple[int, int]


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
        test_withheld: The test part stays elsewhere and is empty here; the fingerprint covers it
            all the same. For machines that train and never score.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    class_names: tuple[str, ...]
    groups: Tensor | None = field(default=None)
    fingerprint: str = ""
    test_withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextData:
    """A whole text set in memory.

    Attributes:
        train_texts: N texts, as they are: not lower-cased, split or cut.
        train_labels: int64 [N], 0..num_classes-1.
        test_texts: M texts: the official test set, scored once, for the winner.
        test_labels: int64 [M].
        class_names: One name per class.
        groups: int64 [N]; examples of one group stay on one side of the validation split.
        fingerprint: Hash of the content: equal data, equal fingerprint.
        test_withheld: The test part stays elsewhere and is empty here; the fingerprint covers it
            all the same. For machines that train and never score.
    """

    train_texts: Sequence[str]
    train_labels: Tensor
    test_texts: Sequence[str]
    test_labels: Tensor
    class_names: tuple[str, ...]
    groups: Tensor | None = field(default=None)
    fingerprint: str = ""
    test_withheld: bool = False


class DatasetLoader(Protocol):
    """What a `DatasetSpec`'s target is."""

    def prepare(self, request: DataRequest) -> None:
        """Make every file present and verified; called in the main process, without torch.

        Raises:
            DataNotFoundError: Files are absent and may not be downloaded.
            CorruptDataError: A file's checksum is wrong; the message names the file.
            DownloadError: Every mirror failed.
        """

    def load(self, request: DataRequest) -> ImageData | TextData:
        """Read the prepared files into memory; called once in each worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnExamples:
    """Everything that the user's folder or file holds, for scoring a model that is trained.

    Attributes:
        inputs: N texts, as they are, or N paths of image files.
        labels: The N classes' names, as the user wrote them.
        parts: "train", "validation" or "test" of each, where the user's data tell; else None.
    """

    inputs: Sequence[str] | Sequence[Path]
    labels: Sequence[str]
    parts: Sequence[str] | None = None


class OwnDataLoader(DatasetLoader, Protocol):
    """A loader of the user's own data, whose spec cannot know its facts (they are None there)."""

    def describe(self, request: DataRequest) -> DatasetFacts:
        """Look at the user's files; called in the main process, after `prepare`, without torch."""

    def examples(self, request: DataRequest) -> OwnExamples:
        """List everything at `request.path`, however few examples or classes there are.

        Called without `prepare` before, and without torch; image files need not be readable.

        Raises:
            DataError: There is nothing, or it cannot be read.
        """
