"""The folder of one run: how it is made, read and written, each file atomically."""

from __future__ import annotations

import itertools
import json
import shutil
from typing import TYPE_CHECKING, Any

import yaml

from hpo_torch.errors import OutputError, UnknownNameError
from hpo_torch.results.atomic_files import copy_file, output_error, remove_file, write_text
from hpo_torch.results.best_model_readme import best_model_head, best_model_readme, head_of
from hpo_torch.results.found_paths import file_there, folder_there
from hpo_torch.results.records import TrialResult, read_record
from hpo_torch.results.run_names import check_run_name
from hpo_torch.results.run_paths import CONFIG_FILE, RunPaths, run_names
from hpo_torch.results.tables import epochs_csv
from hpo_torch.results.trial_states import read_states
from hpo_torch.results.trials_table import TrialsTable
from hpo_torch.search.modes import health_value, optimises_two

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.protocol.events import TrialState
    from hpo_torch.protocol.measurements import Frozen
    from hpo_torch.results.architecture import Architecture
    from hpo_torch.results.environment import Environment
    from hpo_torch.results.records import ConfirmedTrial, RunSummary, TestReport


class RunDirectory(RunPaths):
    """One run's folder. Every write replaces a whole file, and raises OutputError if it fails."""

    def __init__(self, path: Path) -> None:
        """Take `path` as it is; `create` and `open` check it."""
        super().__init__(path)
        self._table = TrialsTable(self.trials_table)

    @classmethod
    def create(cls, root: Path, name: str) -> RunDirectory:
        """Make the folder `root/name`; one that a process left before it began a run is taken.

        Raises:
            InvalidValueError: The name can't be a folder's name on every system.
            OutputError: A run of that name exists, or the folder can't be made.
        """
        check_run_name(name)
        path = root / name
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            if _is_unbegun(path):
                return cls(path)
            raise OutputError(
                f"{path} exists already. Choose another name (output.name), or resume that run."
            ) from error
        except OSError as error:
            raise output_error("write", path, error) from error
        return cls(path)

    @classmethod
    def create_beside(cls, root: Path, name: str) -> RunDirectory:
        """Make the folder `root/name`, or `root/name-2`, `-3` ... if engines on a study have those.

        Raises:
            InvalidValueError, OutputError: As for `create`.
        """
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        return cls.create(root, next(each for each in names if not (root / each).exists()))

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Take an existing run, finished or not.

        Raises:
            UnknownNameError: There is no such folder; the message lists the runs beside it.
            OutputError: The folder is no run.
        """
        if not folder_there(path):
            raise UnknownNameError("run", path.name, _runs_beside(path))
        if not file_there(path / CONFIG_FILE):
            known = ", ".join(_runs_beside(path)) or "none"
            raise OutputError(
                f"{path} is no run: it has no {CONFIG_FILE}. Runs beside it: {known}."
            )
        return cls(path)

    def read_trials(self) -> list[TrialResult]:
        """Read every finished trial, by number.

        Raises:
            OutputError: A result.json is damaged; the message names it.
        """
        paths = self.path.glob("trials/*/result.json")
        return sorted((read_record(path, TrialResult) for path in paths), key=lambda t: t.trial)

    def read_states(self) -> list[TrialState]:
        """Read how every finished trial ended, in no order, and nothing else of it.

        Raises:
            OutputError: As for `read_trials`, but for what is damaged further back in a file.
        """
        return read_states(self.path.glob("trials/*/result.json"))

    def write_config(self, config: RunConfig) -> None:
        """Write config.yaml; from now on the folder is a run."""
        write_text(self.config, _yaml(config.model_dump(mode="json")))

    def write_environment(self, environment: Environment) -> None:
        """Write environment.json."""
        _write_record(self.environment, environment)

    def write_trial(self, trial: TrialResult) -> None:
        """Write one trial's epochs.csv, health.json and result.json."""
        folder = self.trial_dir(trial.trial)
        # Both say what result.json says: only that has to be waited for.
        write_text(folder / "epochs.csv", epochs_csv(trial.epochs), durable=False)
        write_text(folder / "health.json", _health_json(trial), durable=False)
        # Last: who sees a result finds the rest complete.
        _write_record(folder / "result.json", trial)

    def add_to_table(self, trial: TrialResult) -> None:
        """Add a finished trial to trials.csv."""
        self._table.add(trial, self.read_trials)

    def write_table(self, trials: Sequence[TrialResult] | None = None) -> None:
        """Write trials.csv anew, from all results, which are read unless they are given."""
        self._table.write(self.read_trials() if trials is None else trials)

    def write_best(
        self, trial: TrialResult, config: RunConfig, confirmed: ConfirmedTrial | None = None
    ) -> None:
        """Write best_hyperparameters.yaml; health_weight is null where no score has a share of it.

        Where objective and health are two, best_value is the objective, and delta and the winner's
        health follow.
        """
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
        if optimises_two(search):
            content |= {"delta": search.delta, "overall_health": health_value(trial.measurements)}
        if confirmed is not None:
            content["confirmed"] = confirmed.model_dump(mode="json", exclude={"trial"})
        write_text(self.best_hyperparameters, _yaml(content))

    def add_traceback(self, trial: int, attempt: str, number: int, traceback: str) -> None:
        """Add what a failed attempt said to the trial's traceback.txt.

        `attempt` is its id: what is there already is not added again; `number` counts from 1.
        """
        path = self.trial_dir(trial) / "traceback.txt"
        try:
            before = path.read_text(encoding="utf-8") if path.exists() else ""
        except OSError as error:
            raise output_error("read", path, error) from error
        heading = f"---- attempt {number} ({attempt}) ----\n"
        if heading not in before:
            write_text(path, before + heading + traceback.rstrip("\n") + "\n")

    def keep_best_model(
        self, trial: TrialResult, weights: Path | None = None, story: str = ""
    ) -> None:
        """Copy the very weights that scored into best_model/, and say what they are.

        What was made of an earlier winner's weights goes, the test report first.

        Args:
            trial: Whose weights they are.
            weights: Where they are, if not in the trial's folder.
            story: How they came to be, if not by the search alone.

        Raises:
            OutputError: The trial left no model.ckpt, or a file can't be written.
        """
        content = {"family": trial.family, "hyperparameters": trial.hyperparameters}
        for path in (*self.scored_files, self.activation_maps, *self.made_of_weights):
            remove_file(path)
        remove_file(self.best_readme)  # until the weights are those that it will describe
        copy_file(weights or self.weights(trial.trial), self.best_checkpoint)
        write_text(self.best_model_dir / "hyperparameters.yaml", _yaml(content))
        write_text(self.best_readme, best_model_readme(trial, story))

    def holds_best_model(self, trial: TrialResult, story: str = "") -> bool:
        """Whether best_model/ is whole, and was made by `keep_best_model(trial, story=story)`."""
        try:
            text = self.best_readme.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # absent, changed, or another user's
            return False
        return head_of(text) == best_model_head(trial, story)

    def drop_checkpoints(self, trial: int, *, keep_weights: bool = False) -> None:
        """Remove what a trial's training left: its weights and its state; raises OutputError."""
        if not keep_weights:
            remove_file(self.weights(trial))
        remove_file(self.training_state(trial))

    def drop_leftovers(self) -> None:
        """Remove temporary files of processes that were killed; for who holds the run's lock.

        That keeps nobody from training a trial of the run again, in a folder with a lock of its
        own.
        """
        for path in self.path.rglob(".*.tmp"):
            if not path.is_relative_to(self.retrained_dir):
                remove_file(path)

    def drop_best_model(self) -> None:
        """Remove best_model/: another run has the winner; raises OutputError."""
        try:
            if self.best_model_dir.exists():
                shutil.rmtree(self.best_model_dir)
        except OSError as error:
            raise output_error("remove", self.best_model_dir, error) from error

    def write_test_report(self, report: TestReport) -> None:
        """Write best_model/test_report.json and, from the report's class names, labels.json."""
        write_text(self.best_model_dir / "labels.json", _json(report.class_names))
        _write_record(self.test_report, report)

    def write_architecture(self, architecture: Architecture) -> None:
        """Write best_model/architecture.json."""
        _write_record(self.architecture, architecture)

    def write_warm_start(self, report: Frozen) -> None:
        """Write warm_start.json."""
        _write_record(self.warm_start, report)

    def write_summary(self, summary: RunSummary) -> None:
        """Write summary.json; the study has ended, or was interrupted."""
        _write_record(self.summary, summary)

    def drop_unbegun(self) -> None:
        """Remove the folder unless it is a run by now; for who holds its lock."""
        if _is_unbegun(self.path):
            shutil.rmtree(self.path, ignore_errors=True)

    def drop_summary(self) -> None:
        """Remove summary.json: the study goes on."""
        remove_file(self.summary)


def _is_unbegun(path: Path) -> bool:
    """Whether a folder has at most the lock, and half of a config.yaml, of a killed process."""
    return path.is_dir() and all(entry.name.startswith(".") for entry in path.iterdir())


def _runs_beside(path: Path) -> list[str]:
    return run_names(path.parent) if folder_there(path.parent) else []


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
