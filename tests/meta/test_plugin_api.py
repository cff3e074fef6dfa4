"""What plugin authors may import is a list; a change to it is a decision."""

from __future__ import annotations

from hpo_torch import plugin_api

PUBLIC = {
    "hookimpl",
    "BackendSpec",
    "CommandSpec",
    "DatasetSpec",
    "HealthMetricSpec",
    "ObjectiveSpec",
    "DataRequest",
    "DatasetFacts",
    "DatasetLoader",
    "ImageData",
    "OwnDataLoader",
    "OwnExamples",
    "TextData",
    "RemoteArchive",
    "RemoteFile",
    "fetch_archive",
    "fetch_file",
    "find_file",
    "read_file",
    "verify_file",
    "DECODER_VERSION",
    "ImageHeader",
    "list_images",
    "read_image_header",
    "read_pixels",
    "HealthMetric",
    "Probe",
    "TrainingRecord",
    "Validation",
    "References",
    "Score",
    "cost_discount",
    "skill",
    "skill_gate",
    "BackendFactory",
    "ExecutionBackend",
    "CorruptDataError",
    "DataError",
    "DataNotFoundError",
    "DeviceUnavailableError",
    "DownloadError",
    "HpoTorchError",
    "InvalidValueError",
    "MissingDependencyError",
    "PluginError",
    "UsageError",
}


def test_plugin_api_exports_exactly_the_public_names():
    assert set(plugin_api.__all__) == PUBLIC
    assert len(plugin_api.__all__) == len(PUBLIC)


def test_plugin_api_has_every_name_it_exports():
    assert [name for name in plugin_api.__all__ if not hasattr(plugin_api, name)] == []
