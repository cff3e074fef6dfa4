"""What plugins that start, watch and show runs import: settings, and the runs' folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.config.database_url import hide_password, without_password
from hpo_torch.config.load import (
    ENVIRONMENT_PREFIX,
    RESERVED_VARIABLES,
    Layer,
    ResolvedConfig,
    assignments,
    dump_config,
    environment_layer,
    file_layer,
    flatten,
    merge_layers,
    preset_layer,
    resolve_config,
    settings_fields,
)
from hpo_torch.config.options import MAPPINGS, OPTIONS, option_values
from hpo_torch.config.presets import preset_names, preset_summary
from hpo_torch.config.schema import Mode, RunConfig
from hpo_torch.errors import RunInUseError, StorageError, StudyFailedError
from hpo_torch.execution.select import readiness_of
from hpo_torch.hooks.registry import Registry, installed_registry
from hpo_torch.results.catalogue import RunRow, list_runs
from hpo_torch.results.confirmation import confirmation_dir, read_confirmation
from hpo_torch.results.epoch_records import EpochRecords
from hpo_torch.results.event_log import LINE_KIND, LINE_TIME, EventLog, parse_line, read_events
from hpo_torch.results.event_tail import EventTail, LineTail, RunTail
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
from hpo_torch.results.run_lock import Holder, run_lock, working_process
from hpo_torch.results.run_names import check_run_name, default_run_name
from hpo_torch.results.run_paths import CONFIG_FILE, RunPaths, run_names
from hpo_torch.results.run_removal import Loss, loss_of, remove_run
from hpo_torch.results.summary import RunView, count_states, resume_command, winner_of
from hpo_torch.results.tables import PARAMETER_PREFIX, trial_row, trials_columns
from hpo_torch.results.worked_time import seconds_worked
from hpo_torch.search.families import FAMILIES, search_space
from hpo_torch.search.modes import MODES, check_combination, check_methods
from hpo_torch.search.objectives import find_objective
from hpo_torch.search.space_rows import space_rows

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.study.precheck import Outlook

__all__ = [
    # settings of a run, and layers of them
    "ENVIRONMENT_PREFIX",
    "MAPPINGS",
    "OPTIONS",
    "RESERVED_VARIABLES",
    "Layer",
    "ResolvedConfig",
    "RunConfig",
    "assignments",
    "dump_config",
    "environment_layer",
    "file_layer",
    "flatten",
    "hide_password",
    "merge_layers",
    "option_values",
    "preset_layer",
    "preset_names",
    "preset_summary",
    "resolve_config",
    "settings_fields",
    "without_password",
    # what there is to search, and how
    "FAMILIES",
    "MODES",
    "Mode",
    "Outlook",
    "Registry",
    "check_combination",
    "check_methods",
    "find_objective",
    "installed_registry",
    "precheck",
    "read_configurations",
    "readiness_of",
    "search_space",
    "space_rows",
    # a folder of runs
    "RunRow",
    "check_run_name",
    "default_run_name",
    "list_runs",
    "run_names",
    # one run: its folder, files and records
    "CONFIG_FILE",
    "INTERRUPTED",
    "PARAMETER_PREFIX",
    "TIMEOUT",
    "Confirmation",
    "EpochRecords",
    "Loss",
    "RunDirectory",
    "RunPaths",
    "RunSummary",
    "RunView",
    "TestReport",
    "TrialResult",
    "archive_entry",
    "confirmation_dir",
    "count_states",
    "import_run",
    "is_passing",
    "loss_of",
    "read_confirmation",
    "read_record",
    "remove_run",
    "resume_command",
    "run_files",
    "run_lock",
    "trial_row",
    "trials_columns",
    "winner_of",
    # a run as it goes on
    "LINE_KIND",
    "LINE_TIME",
    "EventLog",
    "EventTail",
    "Holder",
    "LineTail",
    "RunTail",
    "parse_line",
    "read_events",
    "seconds_worked",
    "working_process",
    # errors that runs end with
    "RunInUseError",
    "StorageError",
    "StudyFailedError",
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
