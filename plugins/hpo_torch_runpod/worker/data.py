"""A trial's data on the worker: built in, on the volume, fetched, or sent by the client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import (
    DataNotFoundError,
    DownloadError,
    MissingDependencyError,
    OutputError,
    UnknownNameError,
    named_loader,
)
from hpo_torch_runpod.bucket import BucketError
from hpo_torch_runpod.delivery import job_with, loader_of
from hpo_torch_runpod.shipment import Shipment
from hpo_torch_runpod.wire import NO_DATA
from hpo_torch_runpod.worker.folders import BUILT_IN

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from hpo_torch.plugin_api import DataRequest, DatasetLoader, ImageData, TextData
    from hpo_torch.protocol.events import FailureKind
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.worker.folders import Folders


class WorkerFault(BaseException):
    """Data cannot be had on this worker, which is no fault of theirs.

    No `Exception`: training ends those itself, as its trial's own.

    Attributes:
        kind: "worker_died" where another worker may succeed, "backend" where none will.
    """

    def __init__(self, kind: FailureKind, why: str) -> None:
        super().__init__(f"{NO_DATA}{why}")
        self.kind: FailureKind = kind


class StopRequested(BaseException):
    """The trial is to stop, and does so while its data are fetched; no `Exception`, likewise."""


@dataclass(frozen=True, slots=True)
class WorkersLoader:
    """A `DatasetLoader` whose errors tell what is wrong with the data from what is with the worker.

    Attributes:
        loader: Does the work.
    """

    loader: DatasetLoader

    def prepare(self, request: DataRequest) -> None:
        """Do nothing: everything is made present when it is loaded."""

    def load(self, request: DataRequest) -> ImageData | TextData:
        """Load the data."""
        try:
            return self.loader.load(request)
        except BucketError as error:
            raise WorkerFault("backend", f"own data cannot be fetched: {error}") from error
        except (DownloadError, OutputError, OSError) as error:  # a full disk, a bad line
            raise WorkerFault("worker_died", f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class FetchingLoader:
    """A `DatasetLoader` of a named set that makes its files present when they are loaded.

    Attributes:
        name: Of the data set.
        built_in: Folder of sets that came with the image, looked into first.
        stop: When set, a transfer ends at once.
    """

    name: str
    built_in: Path | None
    stop: threading.Event

    def prepare(self, request: DataRequest) -> None:
        """Make every file present and verified."""
        self._place(request)

    def load(self, request: DataRequest) -> ImageData | TextData:
        """Make every file present, and read them."""
        loader, placed = self._place(request)
        return loader.load(placed)

    def _place(self, request: DataRequest) -> tuple[DatasetLoader, DataRequest]:
        loader = self._loader()
        if self.built_in is not None:
            built_in = replace(request, data_dir=self.built_in, download=False)
            try:
                loader.prepare(built_in)
            except DataNotFoundError:
                pass  # the folder holds other sets
            else:
                return loader, built_in
        fetched = replace(request, progress=self._go_on)
        try:
            loader.prepare(fetched)
        except DataNotFoundError as error:  # no worker may fetch it
            raise WorkerFault("backend", self._absent(request, error)) from error
        except DownloadError as error:
            raise WorkerFault("worker_died", self._absent(request, error)) from error
        return loader, fetched

    def _absent(self, request: DataRequest, error: Exception) -> str:
        """Say where a set was looked for, why it cannot be fetched, and what helps."""
        image = "is not set" if self.built_in is None else f"is {self.built_in}"
        return (
            f"'{self.name}' is neither in the image ({BUILT_IN} {image}) nor in "
            f"{request.data_dir}, and cannot be fetched from there: {error} Build it into the "
            "image, put it into hpo-torch/data of a network volume ('hpo-torch runpod deploy "
            "--volume ID'), or send it as your own data (--data-path)."
        )

    def _loader(self) -> DatasetLoader:
        try:
            return named_loader(self.name)
        except (UnknownNameError, MissingDependencyError) as error:
            raise WorkerFault(
                "backend",
                f"this worker's image cannot load the data set: {error} Build an image with the "
                "plugin that offers it.",
            ) from error

    def _go_on(self, *_: object) -> None:
        if self.stop.is_set():
            raise StopRequested


def find_data(
    job: TrialJob, sent: dict[str, Any] | None, folders: Folders, stop: threading.Event
) -> tuple[TrialJob, DatasetLoader]:
    """Return the job as this worker trains it, and the loader of its data; fetches nothing yet.

    Args:
        job: The trial.
        sent: The client's `Shipment`; None for data sets that the worker finds itself.
        folders: The worker's.
        stop: When set, a transfer ends at once.
    """
    data = job.data.model_copy(update={"dir": str(folders.data)})
    placed = job.model_copy(update={"data": data})
    if sent is None:
        return placed, WorkersLoader(FetchingLoader(job.data.dataset, folders.built_in, stop))
    shipment = Shipment.model_validate(sent)
    return job_with(placed, shipment), WorkersLoader(loader_of(shipment, folders.shipments))
