"""Which of Lightning's loggers a run has: found and checked before the run begins."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from hpo_torch.config.schema import LoggerSettings
from hpo_torch.errors import InvalidValueError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hpo_torch.config.schema import OutputSettings

TENSORBOARD: Final = "lightning.pytorch.loggers.TensorBoardLogger"
_SETTING: Final = "output.loggers"
_LIGHTNING: Final = ("lightning.", "pytorch_lightning.")

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


class _Need(NamedTuple):
    """Packages of which a logger needs one, as they are imported, and what pip installs."""

    packages: tuple[str, ...]
    install: str


# Lightning's loggers miss their packages only when they are made, which is in a trial.
_NEEDS: Final = {
    "TensorBoardLogger": _Need(("tensorboard", "tensorboardX"), "'hpo-torch[tensorboard]'"),
    "MLFlowLogger": _Need(("mlflow",), "mlflow"),
    "WandbLogger": _Need(("wandb",), "wandb"),
    "CometLogger": _Need(("comet_ml",), "comet-ml"),
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
        wanted.insert(0, LoggerSettings(class_path=TENSORBOARD))
    return [_kind(settings) for settings in wanted]


def _kind(settings: LoggerSettings) -> LoggerKind:
    made = _class_at(settings.class_path)
    _check_needs(made)
    arguments = {**_DEFAULTS.get(made.__name__, {}), **settings.init_args}
    try:
        inspect.signature(made).bind(**arguments)
    except TypeError as error:
        expected = f"arguments of {made.__name__}{inspect.signature(made)}"
        raise InvalidValueError(
            f"{_SETTING}: init_args of {made.__name__}",
            expected,
            sorted(settings.init_args),  # names alone: a value may be a password
            f"{error}.",
        ) from error
    return LoggerKind(made.__name__, made, arguments)


def _check_needs(made: type) -> None:
    for base in made.__mro__:  # a class of one's own may be made of one of Lightning's
        need = _NEEDS.get(base.__name__) if base.__module__.startswith(_LIGHTNING) else None
        if need and not any(importlib.util.find_spec(package) for package in need.packages):
            raise MissingDependencyError(
                f"{_SETTING}: {made.__name__} needs {' or '.join(need.packages)}: "
                f"pip install {need.install}"
            )


def _class_at(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    expected = "a class's path, as lightning.pytorch.loggers.CSVLogger"
    made = _found(module_name, name, path) if module_name and path[0] != "." else None
    if not isinstance(made, type):
        raise InvalidValueError(f"{_SETTING}: class_path", expected, path)
    lacking = [method for method in _METHODS if not hasattr(made, method)]
    if lacking:
        raise InvalidValueError(
            f"{_SETTING}: class_path", f"a logger, which has {', '.join(lacking)}", path
        )
    return made


def _found(module_name: str, name: str, path: str) -> Any:
    """Return what a module has of a name; None where there is no such module, or no such name."""
    try:
        return getattr(importlib.import_module(module_name), name, None)
    except ModuleNotFoundError as error:
        if f"{module_name}.".startswith(f"{error.name}."):
            return None
        raise MissingDependencyError(f"{_SETTING}: '{path}' needs {error.name}") from error
    except (ImportError, TypeError, ValueError) as error:
        raise InvalidValueError(
            f"{_SETTING}: class_path", "a class that can be imported", path, f"{error}."
        ) from error
