"""Which of Lightning's loggers a run has: found and checked before the run begins."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from hpo_torch.config.schema import LoggerSettings
from hpo_torch.errors import InvalidValueError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hpo_torch.config.schema import OutputSettings

TENSORBOARD: Final = "lightning.pytorch.loggers.TensorBoardLogger"
_SETTING: Final = "output.loggers"

# What a logger is told unless init_args say otherwise; a trial is a run of its own everywhere.
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "TensorBoardLogger": {
        "save_dir": "{folder}",
        "name": "tensorboard",
        "version": "{trial}",
        "default_hp_metric": False,
    },
    "CSVLogger": {"save_dir": "{folder}", "name": "csv", "version": "{trial}"},
    "MLFlowLogger": {"experiment_name": "{run}", "run_name": "{trial}"},
    # Runs at the same time, which is not what wandb does unless told.
    "WandbLogger": {
        "project": "hpo-torch",
        "group": "{run}",
        "name": "{run} {trial}",
        "save_dir": "{folder}",
        "reinit": "create_new",
    },
}
_METHODS: Final = ("log_hyperparams", "log_metrics", "save", "finalize")


class TrialLogger(Protocol):
    """What is used of Lightning's `Logger`."""

    def log_hyperparams(self, params: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """Take a trial's hyperparameters."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Take figures of an epoch."""

    def save(self) -> None:
        """Write what was taken."""

    def finalize(self, status: str) -> None:
        """End the trial: "success" or "failed"."""


@dataclass(frozen=True, slots=True)
class LoggerKind:
    """A logger class, and how to make one for a trial.

    Attributes:
        name: The class's, for messages.
        make: The class.
        arguments: Of its constructor; {run}, {trial} and {folder} in texts are filled in.
    """

    name: str
    make: Callable[..., TrialLogger]
    arguments: Mapping[str, Any]

    def open(self, folder: Path, trial: str) -> TrialLogger:
        """Make the logger of one trial of the run in a folder.

        >>> from pathlib import Path
        >>> LoggerKind("dict", dict, {"where": "{folder}/{trial}"}).open(Path("/runs/a"), "t-1")
        {'where': '/runs/a/t-1'}
        """
        words = {"{run}": folder.name, "{trial}": trial, "{folder}": str(folder)}
        return self.make(**{name: _filled(v, words) for name, v in self.arguments.items()})


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, words) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, words) for inner in value]
    if isinstance(value, str):
        for word, meaning in words.items():
            value = value.replace(word, meaning)
    return value


def logger_kinds(output: OutputSettings) -> list[LoggerKind]:
    """Find the loggers that a run is to have.

    Raises:
        MissingDependencyError: A package that one needs is not installed.
        InvalidValueError: There is no such class, it is no logger, or it does not take the
            arguments.
    """
    wanted = list(output.loggers)
    if output.tensorboard:
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingDependencyError(
                "output.tensorboard needs tensorboard: pip install 'hpo-torch[tensorboard]'"
            )
        wanted.insert(0, LoggerSettings(class_path=TENSORBOARD))
    return [_kind(settings) for settings in wanted]


def _kind(settings: LoggerSettings) -> LoggerKind:
    made = _class_at(settings.class_path)
    arguments = {**_DEFAULTS.get(made.__name__, {}), **settings.init_args}
    try:
        inspect.signature(made).bind(**arguments)
    except TypeError as error:
        expected = f"arguments of {made.__name__}{inspect.signature(made)}"
        raise InvalidValueError(
            f"{_SETTING}: init_args of {made.__name__}", expected, settings.init_args, f"{error}."
        ) from error
    return LoggerKind(made.__name__, made, arguments)


def _class_at(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    expected = "a class's path, as lightning.pytorch.loggers.CSVLogger"
    try:
        made = getattr(importlib.import_module(module_name), name) if module_name else None
    except ModuleNotFoundError as error:
        if not module_name.startswith(str(error.name)):
            raise MissingDependencyError(f"{_SETTING}: '{path}' needs {error.name}") from error
        made = None
    except AttributeError:
        made = None
    if not isinstance(made, type):
        raise InvalidValueError(f"{_SETTING}: class_path", expected, path)
    lacking = [method for method in _METHODS if not hasattr(made, method)]
    if lacking:
        raise InvalidValueError(
            f"{_SETTING}: class_path", f"a logger, which has {', '.join(lacking)}", path
        )
    return made
