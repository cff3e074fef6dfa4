"""What plugins that start, watch and show runs import: settings, and the runs' folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.config.database_url import hide_password, without_password
from hpo_torch.config.load import (
    ENVIRONMENT_PREFIX,
    RESERVED_VARIABLES,
    Layer,
    ResolvedConfig,
    dump_config,
    environment_layer,
    flatten,
    merge_layers,
    preset_layer,
    resolve_config,
)
from hpo_torch.config.options import option_values
from hpo_torch.config.presets import preset_names, preset_summary
from hpo_torch.config.schema import Mode, RunConfig
from hpo_torch.errors import RunInUseError, StorageError
from hpo_torch.execution.select import readiness_of
from hpo_torch.hooks.registry import Registry, installed_registry
from hpo_torch.results.confirmation import confirmation_dir
from hpo_torch.results.event_log import LINE_KIND, LINE_TIME, parse_line
from hpo_torch.results.event_tail import LineTail
from hpo_torch.results.records import (
    INTERRUPTED,
    TIMEOUT,
    Confirmation,
    RunSummary,
    TestReport,
    TrialResult,
    read_record,
)
from hpo_torch.results.run_archive import archive_entry, import_run, is_passing, run_files
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock, working_process
from hpo_torch.results.run_names import check_run_name, default_run_name
from hpo_torch.results.run_paths import CONFIG_FILE, RunPaths, run_names
from hpo_torch.results.run_removal import remove_run
from hpo_torch.results.summary import RunView, resume_command
from hpo_torch.results.tables import PARAMETER_PREFIX, trial_row
from hpo_torch.results.whole_lines import end_of_lines
from hpo_torch.results.worked_time import seconds_worked
from hpo_torch.search.families import FAMILIES
from hpo_torch.search.modes import MODES

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.study.precheck import Outlook as Outlook  # noqa: PLC0414 - exported to annotate

__all__ = [
    # settings of a run, and layers of them
    "ENVIRONMENT_PREFIX",
    "RESERVED_VARIABLES",
    "Layer",
    "ResolvedConfig",
    "RunConfig",
    "dump_config",
    "environment_layer",
    "flatten",
    "hide_password",
    "merge_layers",
    "option_values",
    "preset_layer",
    "preset_names",
    "preset_summary",
    "resolve_config",
    "without_password",
    # what there is to search, and how
    "FAMILIES",
    "MODES",
    "Mode",
    "installed_registry",
    "precheck",
    "read_configurations",
    "readiness_of",
    # a folder of runs
    "check_run_name",
    "default_run_name",
    "run_names",
    # one run: its folder, files and records
    "CONFIG_FILE",
    "INTERRUPTED",
    "PARAMETER_PREFIX",
    "TIMEOUT",
    "Confirmation",
    "RunDirectory",
    "RunPaths",
    "RunSummary",
    "RunView",
    "TestReport",
    "TrialResult",
    "archive_entry",
    "confirmation_dir",
    "import_run",
    "is_passing",
    "read_record",
    "remove_run",
    "resume_command",
    "run_files",
    "run_lock",
    "trial_row",
    # a run as it goes on
    "LINE_KIND",
    "LINE_TIME",
    "LineTail",
    "end_of_lines",
    "parse_line",
    "seconds_worked",
    "working_process",
    # errors that runs end with
    "RunInUseError",
    "StorageError",
]


def read_configurations(path: Path) -> list[Any]:
    """Read a YAML or JSON list of configurations, as `--enqueue` takes it.

    Raises:
        UsageError: The file cannot be read, or is no such list.
    """
    from hpo_torch.study.queue_file import read_list

    return read_list(path)


def precheck(config: RunConfig, registry: Registry) -> Outlook:
    """Check a run's settings as far as that needs neither torch nor its data.

    Raises:
        UsageError: They cannot be run so; the message says why.
    """
    from hpo_torch.study.precheck import precheck as check

    return check(config, registry)
