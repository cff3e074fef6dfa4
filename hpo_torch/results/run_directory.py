"""The folder of one run: where everything lies, and how it is written, each file atomically."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from hpo_torch.errors import OutputError, UnknownNameError
from hpo_torch.results.atomic_files import copy_file, output_error, write_text
from hpo_torch.results.best_model_readme import best_model_readme
from hpo_torch.results.records import TrialResult, read_record
from hpo_torch.results.run_names import check_run_name
from hpo_torch.results.tables import epochs_csv, trials_csv

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.protocol.measurements import Frozen
    from hpo_torch.results.environment import Environment
    from hpo_torch.results.records import RunSummary, TestReport

CONFIG_FILE = "config.yaml"


def run_names(root: Path) -> list[str]:
    """Return the names of the runs in `root`, sorted; none where `root` doesn't exist.

    Raises:
        OutputError: `root` is no folder, or may not be read.
    """
    if not root.exists():
        return []
    try:
        return sorted(entry.name for entry in root.iterdir() if (entry / CONFIG_FILE).is_file())
    except OSError as error:
        raise output_error("read", root, error) from error


class RunDirectory:
    """One run's folder. Every write replaces a whole file, and raises OutputError if it fails.

    Attributes:
        path: The folder itself.
    """

    def __init__(self, path: Path) -> None:
        """Take `path` as it is; `create` and `open` check it."""
        self.path = path
        self._trials: dict[int, TrialResult] | None = None

    @classmethod
    def create(cls, root: Path, name: str) -> RunDirectory:
        """Make the folder `root/name`.

        Raises:
            InvalidValueError: The name can't be a folder's name on every system.
            OutputError: A run of that name exists, or the folder can't be made.
        """
        check_run_name(name)
        path = root / name
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            raise OutputError(
                f"{path} exists already. Choose another name (output.name), or resume that run."
            ) from error
        except OSError as error:
            raise output_error("write", path, error) from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Take an existing run, finished or not.

        Raises:
            UnknownNameError: There is no such folder; the message lists the runs beside it.
            OutputError: The folder is no run.
        """
        if not path.is_dir():
            raise UnknownNameError("run", path.name, _runs_beside(path))
        if not (path / CONFIG_FILE).is_file():
            known = ", ".join(_runs_beside(path)) or "none"
            raise OutputError(
                f"{path} is no run: it has no {CONFIG_FILE}. Runs beside it: {known}."
            )
        return cls(path)

    @property
    def name(self) -> str:
        """The run's name, which is the folder's."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The resolved settings."""
        return self.path / CONFIG_FILE

    @property
    def journal(self) -> Path:
        """Optuna's storage."""
        return self.path / "study.journal"

    @property
    def events(self) -> Path:
        """The numbered events, for `EventLog` and `read_events`."""
        return self.path / "events.jsonl"

    @property
    def best_hyperparameters(self) -> Path:
        """The best trial's hyperparameters."""
        return self.path / "best_hyperparameters.yaml"

    @property
    def summary(self) -> Path:
        """The `RunSummary`; there once the study has ended."""
        return self.path / "summary.json"

    @property
    def trials_table(self) -> Path:
        """One line per trial, for spreadsheets."""
        return self.path / "trials.csv"

    @property
    def environment(self) -> Path:
        """The `Environment`."""
        return self.path / "environment.json"

    @property
    def best_model_dir(self) -> Path:
        """Folder of the best model."""
        return self.path / "best_model"

    @property
    def best_checkpoint(self) -> Path:
        """The best model's weights; there once a trial has completed."""
        return self.best_model_dir / "model.ckpt"

    @property
    def test_report(self) -> Path:
        """The `TestReport`; there once the winner has been scored."""
        return self.best_model_dir / "test_report.json"

    @property
    def plots_dir(self) -> Path:
        """Folder of the run's pictures."""
        return self.path / "plots"

    def trial_dir(self, trial: int) -> Path:
        """Folder of one trial."""
        return self.path / "trials" / f"{trial:04d}"

    def weights(self, trial: int) -> Path:
        """Where a trial's training leaves its kept weights."""
        return self.trial_dir(trial) / "model.ckpt"

    def read_trials(self) -> list[TrialResult]:
        """Read every finished trial, by number.

        Raises:
            OutputError: A result.json is damaged; the message names it.
        """
        paths = self.path.glob("trials/*/result.json")
        return sorted((read_record(path, TrialResult) for path in paths), key=lambda t: t.trial)

    def write_config(self, config: RunConfig) -> None:
        """Write config.yaml; from now on the folder is a run."""
        write_text(self.config, _yaml(config.model_dump(mode="json")))

    def write_environment(self, environment: Environment) -> None:
        """Write environment.json."""
        _write_record(self.environment, environment)

    def write_trial(self, trial: TrialResult) -> None:
        """Write one trial's result.json, epochs.csv and health.json, and trials.csv of all."""
        folder = self.trial_dir(trial.trial)
        write_text(folder / "epochs.csv", epochs_csv(trial.epochs))
        write_text(folder / "health.json", _health_json(trial))
        # Last of the trial's files: who sees a result finds the rest complete.
        _write_record(folder / "result.json", trial)
        if self._trials is None:
            self._trials = {known.trial: known for known in self.read_trials()}
        self._trials[trial.trial] = trial
        write_text(self.trials_table, trials_csv(list(self._trials.values())))

    def write_best(self, trial: TrialResult, config: RunConfig) -> None:
        """Write best_hyperparameters.yaml; health_weight is null where health plays no part."""
        search = config.search
        content = {
            "dataset": config.data.dataset,
            "optimization_mode": search.mode,
            "objective": search.optimize_for,
            "health_weight": search.health_weight if search.mode == "health" else None,
            "best_value": trial.score,
            "trial": trial.trial,
            "hyperparameters": trial.hyperparameters,
        }
        write_text(self.best_hyperparameters, _yaml(content))

    def write_traceback(self, trial: int, traceback: str) -> None:
        """Write a failed trial's traceback.txt."""
        write_text(self.trial_dir(trial) / "traceback.txt", traceback)

    def keep_best_model(self, trial: TrialResult) -> None:
        """Copy the very weights that scored into best_model/, and say what they are.

        Raises:
            OutputError: The trial left no model.ckpt, or a file can't be written.
        """
        content = {"family": trial.family, "hyperparameters": trial.hyperparameters}
        copy_file(self.weights(trial.trial), self.best_checkpoint)
        write_text(self.best_model_dir / "hyperparameters.yaml", _yaml(content))
        write_text(self.best_model_dir / "README.md", best_model_readme(trial))

    def drop_weights(self, trial: int) -> None:
        """Remove a trial's own model.ckpt, if it left one; raises OutputError."""
        path = self.weights(trial)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise output_error("remove", path, error) from error

    def write_test_report(self, report: TestReport) -> None:
        """Write best_model/test_report.json and, from the report's class names, labels.json."""
        write_text(self.best_model_dir / "labels.json", _json(report.class_names))
        _write_record(self.test_report, report)

    def write_summary(self, summary: RunSummary) -> None:
        """Write summary.json; from now on the run is finished."""
        _write_record(self.summary, summary)


def _runs_beside(path: Path) -> list[str]:
    return run_names(path.parent) if path.parent.is_dir() else []


def _write_record(path: Path, record: Frozen) -> None:
    write_text(path, record.model_dump_json(indent=2) + "\n")


def _health_json(trial: TrialResult) -> str:
    if trial.measurements is None:
        return _json({"overall_health": None, "metrics": {}})
    # pydantic first: it writes details that are not finite as strings, which strict JSON needs.
    dumped = json.loads(trial.measurements.model_dump_json(include={"overall_health", "health"}))
    return _json({"overall_health": dumped["overall_health"], "metrics": dumped["health"]})


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _yaml(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
