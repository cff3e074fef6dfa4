"""What plugin authors may import is a list; a change to it is a decision."""

from __future__ import annotations

import subprocess
import sys

from hpo_torch import plugin_api, plugin_cli, plugin_runs
from hpo_torch.testing.import_guard import HEAVY_MODULES

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
    "load_own_data",
    "named_loader",
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
    "Readiness",
    "RunSite",
    "TRAIN_TARGET",
    "TrainFunction",
    "failed_training",
    "run_job",
    "append_whole",
    "output_error",
    "replacing",
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
}


def test_plugin_api_exports_exactly_the_public_names():
    assert set(plugin_api.__all__) == PUBLIC
    assert len(plugin_api.__all__) == len(PUBLIC)


def test_plugin_api_has_every_name_it_exports():
    assert [name for name in plugin_api.__all__ if not hasattr(plugin_api, name)] == []


def test_plugin_cli_exports_exactly_what_commands_are_written_with():
    assert set(plugin_cli.__all__) == {
        "AsJson",
        "INTERRUPTED",
        "OutputDir",
        "Told",
        "View",
        "agreed",
        "find_run",
        "open_run",
        "open_view",
        "optimize",
        "optimize_layers",
        "print_json",
        "print_outcome",
        "print_table",
        "read_repetitions",
        "runs_folder",
        "say",
        "show_events",
        "warn",
    }
    assert [name for name in plugin_cli.__all__ if not hasattr(plugin_cli, name)] == []


def test_plugin_runs_has_every_name_it_exports_once():
    assert [name for name in plugin_runs.__all__ if not hasattr(plugin_runs, name)] == []
    assert len(set(plugin_runs.__all__)) == len(plugin_runs.__all__)


def test_plugin_runs_is_light():
    """A server that shows runs starts in a second, and stays small."""
    script = "import sys; from hpo_torch import plugin_runs; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    heavy = {*HEAVY_MODULES, "numpy", "typer", "rich"}
    assert heavy & set(found.stdout.decode().split()) == set()
