"""The user's own data on their way to workers: once for all trials, not once for each.

Named data sets are fetched by the workers themselves. Own data travel packed (see `packing`),
without their test part: with the job where they are small, else through the bucket, once, under the
name of their hash. Without a bucket they travel with every job as far as a job can carry them, and
beyond that only a part of them does.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import numpy as np
from pydantic import Field

from hpo_torch.plugin_api import OutputError, UsageError, load_own_data
from hpo_torch.protocol.measurements import Frozen
from hpo_torch_runpod.bucket import Bucket, data_url
from hpo_torch_runpod.packing import pack, unpacked_size
from hpo_torch_runpod.subsample import fewest_per_class, subsample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.plugin_api import ImageData, TextData
    from hpo_torch.protocol.job import TrialJob

SMALL: Final = 49_152
"""Bytes of packed data that every job may carry: 64 KiB as base64, so that with all the rest a
trial stays below 100 kB."""

LARGEST_INLINE: Final = 5_000_000
"""Bytes of packed data that a job can carry: 6.7 MB as base64, of the 10 MB that RunPod takes as a
job's input (documentation, 2026-08)."""

_TRIES = 6  # at a part that fits
_CLOSE_ENOUGH = 0.9
_MARGIN = 0.97  # a part does not shrink exactly as its number of examples does


class Shipment(Frozen):
    """Packed training data, or where they are.

    Attributes:
        kind: "inline": in `data`; "bucket": at `url`.
        sha256: Of the packed bytes.
        size: Their number.
        data: The packed bytes as base64.
        url: "s3://bucket/key".
        fraction: Share of the training examples that they hold.
    """

    kind: Literal["inline", "bucket"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: int = Field(ge=0)
    data: str = Field(default="", repr=False)
    url: str = ""
    fraction: float = Field(default=1.0, gt=0.0, le=1.0)


class Shipper:
    """Packs own data on the client, once for all jobs with the same settings of data.

    Args:
        root: "s3://bucket/prefix"; None where there is no bucket.
        warn: Takes one line.
        tell: Takes what was put into the bucket, once it is there.
        largest_inline: Bytes of packed data that a job can carry.
    """

    def __init__(
        self,
        root: str | None,
        warn: Callable[[str], None],
        tell: Callable[[Shipment], None],
        *,
        largest_inline: int = LARGEST_INLINE,
    ) -> None:
        self._root, self._warn, self._tell, self._largest = root, warn, tell, largest_inline
        self._bucket = None if root is None else Bucket.from_environment()
        self._made: dict[DataSettings, Shipment | None] = {}

    def check(self) -> None:
        """Check that the bucket, if there is one, can be used; raises BucketError."""
        if self._bucket is not None and self._root is not None:
            self._bucket.check(self._root)

    def shipment_of(self, job: TrialJob) -> Shipment | None:
        """Return what a worker needs to have this job's data; None where it needs nothing.

        The first call for given data may take long: they are read, packed and uploaded.

        Raises:
            DataError: The data cannot be read.
            BucketError: They cannot be uploaded.
            OutputError: There is no room to pack them in.
            UsageError: Without a bucket not even a small part can be sent.
        """
        settings = job.data
        if settings not in self._made:
            data = load_own_data(settings)
            self._made[settings] = None if data is None else self._packed(data, settings)
        return self._made[settings]

    def _packed(self, data: ImageData | TextData, settings: DataSettings) -> Shipment:
        try:
            return self._ship(data, settings.validation_share)
        except OSError as error:
            raise OutputError(
                f"own data cannot be packed in {tempfile.gettempdir()}: "
                f"{error.strerror or error}. Make room there, or name another folder by TMPDIR."
            ) from error

    def _ship(self, data: ImageData | TextData, validation_share: float) -> Shipment:
        with tempfile.TemporaryDirectory(prefix="hpo-torch-") as folder:
            parcel = _Parcel(Path(folder) / "data", data, validation_share)
            if self._root is None or self._bucket is None:
                packed = self._fitting(parcel)
            else:
                packed = parcel.pack(parcel.total)
                if packed.size > SMALL:
                    return self._stored(packed, parcel.path, self._root, self._bucket)
            content = parcel.path.read_bytes()
        return Shipment(
            kind="inline",
            sha256=packed.sha256,
            size=packed.size,
            data=base64.b64encode(content).decode("ascii"),
            fraction=packed.examples / parcel.total,
        )

    def _stored(self, packed: _Packed, path: Path, root: str, bucket: Bucket) -> Shipment:
        url = data_url(root, packed.sha256)
        stored = Shipment(kind="bucket", sha256=packed.sha256, size=packed.size, url=url)
        if bucket.size_of(url) != packed.size:
            bucket.put_file(path, url)
            self._tell(stored)
        return stored

    def _fitting(self, parcel: _Parcel) -> _Packed:
        packed = parcel.pack_at_most(self._largest)
        if packed.examples < parcel.total:
            self._warn(
                f"own data are too large to be sent with a job ({self._largest / 1e6:g} MB packed) "
                f"and there is no bucket: trials train and validate on "
                f"{packed.examples / parcel.total:.1%} of them ({packed.examples:,} of "
                f"{parcel.total:,} examples, every class with its share). Name a bucket to use all "
                "of them: --bucket s3://BUCKET/PREFIX."
            )
        return packed


class _Packed(NamedTuple):
    """What a parcel's file holds: its hash, its size in bytes, its number of examples."""

    sha256: str
    size: int
    examples: int


class _Parcel:
    """A data set, and the file that it or a part of it is packed into."""

    def __init__(self, path: Path, data: ImageData | TextData, validation_share: float) -> None:
        self.path, self._data = path, data
        self.total = len(data.train_labels)
        self._labels = data.train_labels.cpu().numpy()
        self._groups = None if data.groups is None else data.groups.cpu().numpy()
        self._fewest = fewest_per_class(validation_share)

    def pack(self, examples: int) -> _Packed:
        """Pack so many examples, or a few more where rare classes need them."""
        positions = np.arange(self.total)
        if examples < self.total:
            positions = subsample(self._labels, self._groups, examples, self._fewest)
        pack(self._data, self.path, positions, self._fingerprint(positions))
        with self.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return _Packed(sha256, self.path.stat().st_size, len(positions))

    def pack_at_most(self, size: int) -> _Packed:
        """Pack as much as fits into `size` bytes.

        Raises:
            UsageError: The fewest examples that can train do not fit.
        """
        # What is many times too large is not packed whole only to learn that.
        wanted = min(self.total, max(1, 8 * size * self.total // max(1, unpacked_size(self._data))))
        fits = 0
        for _ in range(_TRIES):
            packed = self.pack(wanted)
            if packed.size <= size:
                if packed.examples == self.total or packed.size >= _CLOSE_ENOUGH * size:
                    return packed
                fits = packed.examples
            following = min(self.total, int(packed.examples * _MARGIN * size / packed.size))
            if following == wanted or following <= fits:
                break
            wanted = following
        packed = self.pack(fits or wanted)
        if packed.size > size:
            raise UsageError(
                f"own data are too large to be sent with a job: {packed.examples:,} of "
                f"{self.total:,} examples, the fewest that can be trained on, take "
                f"{packed.size:,} bytes packed, expected at most {size:,}. Name a bucket: --bucket "
                "s3://BUCKET/PREFIX."
            )
        return packed

    def _fingerprint(self, positions: NDArray[np.int64]) -> str:
        whole = self._data.fingerprint
        if len(positions) == self.total:
            return whole
        return hashlib.sha256(whole.encode() + positions.astype("<i8").tobytes()).hexdigest()
