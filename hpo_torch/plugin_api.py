"""The one module that plugin authors import; light, so that plugins load instantly."""

from __future__ import annotations

from hpo_torch.data.archives import RemoteArchive, fetch_archive
from hpo_torch.data.downloads import (
    RemoteFile,
    fetch_file,
    find_file,
    read_file,
    verify_file,
)
from hpo_torch.data.image_files import (
    DECODER_VERSION,
    ImageHeader,
    read_image_header,
    read_pixels,
)
from hpo_torch.data.image_listing import list_images
from hpo_torch.data.named_loader import named_loader
from hpo_torch.data.own_data import load_own_data
from hpo_torch.data.spec import (
    DataRequest,
    DatasetFacts,
    DatasetLoader,
    ImageData,
    OwnDataLoader,
    OwnExamples,
    TextData,
)
from hpo_torch.errors import (
    CorruptDataError,
    DataError,
    DataNotFoundError,
    DeviceUnavailableError,
    DownloadError,
    HpoTorchError,
    InvalidValueError,
    MissingDependencyError,
    OutputError,
    PluginError,
    UnknownNameError,
    UsageError,
)
from hpo_torch.execution.backend import BackendFactory, ExecutionBackend, RunSite
from hpo_torch.execution.run_job import TRAIN_TARGET, TrainFunction, failed_training, run_job
from hpo_torch.health.metric import HealthMetric, Probe, TrainingRecord, Validation
from hpo_torch.hooks.records import (
    BackendSpec,
    CommandSpec,
    DatasetSpec,
    HealthMetricSpec,
    ObjectiveSpec,
    Readiness,
)
from hpo_torch.hooks.specs import hookimpl
from hpo_torch.results.atomic_files import append_whole, output_error, replacing
from hpo_torch.search.objectives import References, Score, cost_discount, skill, skill_gate

__all__ = [
    "hookimpl",
    # records that hooks return
    "BackendSpec",
    "CommandSpec",
    "DatasetSpec",
    "HealthMetricSpec",
    "ObjectiveSpec",
    # data sets
    "DataRequest",
    "DatasetFacts",
    "DatasetLoader",
    "ImageData",
    "OwnDataLoader",
    "OwnExamples",
    "TextData",
    "load_own_data",
    "named_loader",
    # files of data sets
    "RemoteArchive",
    "RemoteFile",
    "fetch_archive",
    "fetch_file",
    "find_file",
    "read_file",
    "verify_file",
    # image files
    "DECODER_VERSION",
    "ImageHeader",
    "list_images",
    "read_image_header",
    "read_pixels",
    # health metrics
    "HealthMetric",
    "Probe",
    "TrainingRecord",
    "Validation",
    # objectives
    "References",
    "Score",
    "cost_discount",
    "skill",
    "skill_gate",
    # execution backends
    "BackendFactory",
    "ExecutionBackend",
    "Readiness",
    "RunSite",
    "TRAIN_TARGET",
    "TrainFunction",
    "failed_training",
    "run_job",
    # files that survive crashes
    "append_whole",
    "output_error",
    "replacing",
    # errors
    "CorruptDataError",
    "DataError",
    "DataNotFoundError",
    "DeviceUnavailableError",
    "DownloadError",
    "HpoTorchError",
    "InvalidValueError",
    "MissingDependencyError",
    "OutputError",
    "PluginError",
    "UnknownNameError",
    "UsageError",
]
