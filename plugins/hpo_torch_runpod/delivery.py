"""A shipment of own data at the worker: fetched once, kept by hash, loaded like any data set."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import CorruptDataError, output_error
from hpo_torch_runpod.bucket import Bucket
from hpo_torch_runpod.packing import read, unpack

if TYPE_CHECKING:
    from hpo_torch.plugin_api import DataRequest, DatasetLoader, ImageData, TextData
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.shipment import Shipment

_UNFINISHED = ".part-"
_ABANDONED_SECONDS = 24 * 3600  # no delivery takes as long; its process was killed
_UNUSED_SECONDS = 30 * 24 * 3600  # a volume is paid by its size


@dataclass(frozen=True, slots=True)
class Delivery:
    """A `DatasetLoader` of shipped data; any number of processes may share its cache.

    Attributes:
        shipment: What was sent.
        cache: Folder of all shipments that were received, one folder each, by hash.
    """

    shipment: Shipment
    cache: Path

    def prepare(self, request: DataRequest | None = None) -> None:
        """Fetch, verify and unpack the data unless that is done.

        Raises:
            BucketError: The bucket cannot be reached with this machine's keys.
            CorruptDataError: What arrived is not what was sent.
            OutputError: The disk is full, the folder may not be written ...
        """
        kept = self.cache / self.shipment.sha256
        try:
            if kept.is_dir():
                os.utime(kept)  # still in use
            else:
                self._fetch(kept)
        except OSError as error:
            raise output_error("write", kept, error) from error

    def load(self, request: DataRequest) -> ImageData | TextData:
        """Read the training part; the test part is withheld."""
        self.prepare(request)
        return read(self.cache / self.shipment.sha256)

    def _fetch(self, kept: Path) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        _remove_old(self.cache)
        # No lock: network volumes may have none. Several may unpack, the first to end is kept.
        part = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.cache))
        try:
            packed = part / "packed"
            self._receive(packed)
            content = part / "content"
            content.mkdir()
            unpack(packed, content)
            _rename(content, kept)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _receive(self, path: Path) -> None:
        sent = self.shipment
        if sent.kind == "bucket":
            Bucket.from_environment().get_file(sent.url, path, sent.sha256)
            return
        try:
            content = base64.b64decode(sent.data, validate=True)
        except binascii.Error as error:
            raise CorruptDataError(f"data in the job are no base64: {error}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != sent.sha256:
            raise CorruptDataError(
                f"data in the job: expected sha256:{sent.sha256}, got sha256:{found}"
            )
        path.write_bytes(content)


def loader_of(shipment: Shipment, cache: Path) -> DatasetLoader:
    """Return the loader of a shipment's data; nothing is fetched before it is asked to.

    Args:
        shipment: What came with the job.
        cache: Where received data are kept, on the network volume if there is one.
    """
    return Delivery(shipment, cache)


def job_with(job: TrialJob, shipment: Shipment) -> TrialJob:
    """Return the job with a path of data that stands for their content.

    A worker process keeps prepared sets by their settings, of which the client's path says nothing:
    two clients' paths may be the same, and one client's files may change.
    """
    data = job.data.model_copy(update={"path": f"shipment/{shipment.sha256}"})
    return job.model_copy(update={"data": data})


def _rename(content: Path, kept: Path) -> None:
    try:
        content.rename(kept)
    except OSError:
        if not kept.is_dir():  # no other process was faster
            raise


def _remove_old(cache: Path) -> None:
    """Remove what killed processes left, and what no trial has asked for in a long time."""
    for folder in cache.iterdir():
        most = _ABANDONED_SECONDS if folder.name.startswith(_UNFINISHED) else _UNUSED_SECONDS
        try:
            old = time.time() - folder.stat().st_mtime > most
        except OSError:
            continue  # another process has just removed or renamed it
        if old:
            shutil.rmtree(folder, ignore_errors=True)
