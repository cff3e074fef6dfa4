"""The queue: configurations of a file that are trained before any that the sampler chooses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import optuna
    from optuna.trial import FrozenTrial

    from hpo_torch.search.domains import Value
    from hpo_torch.search.space import SearchSpace

SETTING = "search.enqueue"
OUTSIDE_ATTRIBUTE: Final = "outside_search_space"
FIXED_PARAMETERS: Final = "fixed_params"
"""System attribute in which Optuna keeps what a queued trial sets."""


def read_queue(
    path: Path, space: SearchSpace, fixed: Mapping[str, Value]
) -> tuple[dict[str, Value], ...]:
    """Read and check a queue: a YAML or JSON list of configurations.

    A configuration may be partial: the sampler chooses the rest, except that of hyperparameters
    that must fit together (a CNN's depth and kernels) either none is given or all: those that are
    missing then take the defaults that fit.

    Args:
        path: The file.
        space: What is searched.
        fixed: What is not.

    Returns:
        The configurations, typed, without fixed hyperparameters.

    Raises:
        UsageError: The file cannot be read, is no list, or a configuration is not possible; the
            message names the entry, from 1.
    """
    entries = read_list(path)
    return tuple(
        _check_entry(entry, f"{path}, entry {number}", space, fixed)
        for number, entry in enumerate(entries, 1)
    )


def outside_of_domains(space: SearchSpace, entry: Mapping[str, Value]) -> dict[str, Value]:
    """Return what of a configuration is allowed, but not among what is searched."""
    return {
        name: value
        for name, value in entry.items()
        if space.parameter(name).domain.convert(value) is None
    }


def queue_notes(space: SearchSpace, entries: Sequence[Mapping[str, Value]]) -> list[str]:
    """Say which queued values the sampler cannot learn from, in lines."""
    return [
        f"queued configuration {number}: {name}={value} is trained as given, but the sampler "
        f"learns nothing of it: {space.parameter(name).domain} is searched "
        f"(search.space.{space.family}.{name} widens that)"
        for number, entry in enumerate(entries, 1)
        for name, value in outside_of_domains(space, entry).items()
    ]


def enqueue(
    study: optuna.Study, space: SearchSpace, entries: Sequence[Mapping[str, Value]]
) -> None:
    """Put configurations into a new study's queue: Optuna's own, so that it survives a crash.

    Optuna would take a number outside of a distribution, and its samplers then stumble over it
    (the logarithm of a weight decay of 0); an option that is none of the choices it refuses. So
    what is outside stands beside the parameters, where `outside` finds it.
    """
    for entry in entries:
        beside = outside_of_domains(space, entry)
        inside = {name: value for name, value in entry.items() if name not in beside}
        study.enqueue_trial(inside, user_attrs={OUTSIDE_ATTRIBUTE: beside} if beside else None)


def is_queued(trial: FrozenTrial) -> bool:
    """Whether a trial came from the queue, wherever it is by now."""
    return FIXED_PARAMETERS in trial.system_attrs


def requeue(study: optuna.Study, trial: FrozenTrial) -> None:
    """Put the configuration of a trial that came from the queue at its end."""
    beside = trial.user_attrs.get(OUTSIDE_ATTRIBUTE)
    marks = None if beside is None else {OUTSIDE_ATTRIBUTE: beside}
    study.enqueue_trial(trial.system_attrs[FIXED_PARAMETERS], user_attrs=marks)


def outside(handle: optuna.Trial) -> dict[str, Value]:
    """Return what a queued configuration sets outside of the searched domains: fixed values."""
    values: dict[str, Value] = handle.user_attrs.get(OUTSIDE_ATTRIBUTE, {})
    return values


def read_list(path: Path) -> list[Any]:
    """Read a YAML or JSON list, the entries of which are not checked.

    Raises:
        UsageError: The file cannot be read, or is no list.
    """
    try:
        content = _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{SETTING}: '{path}' cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{SETTING}: '{path}' is neither YAML nor JSON: {error}") from error
    if not isinstance(content, list) or not content:
        raise InvalidValueError(
            SETTING,
            "a file with a list of configurations, [{hyperparameter: value, ...}, ...]",
            type(content).__name__ if content else "nothing",
            f"File: {path}.",
        )
    return content


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # JSON is YAML, too, but for characters that JSON writes as two
        return yaml.safe_load(text)


def _check_entry(
    entry: object, where: str, space: SearchSpace, fixed: Mapping[str, Value]
) -> dict[str, Value]:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected hyperparameters with their values, got {entry!r}")
    try:
        typed = {name: space.parameter(str(name)).convert(value) for name, value in entry.items()}
        _check_against(space, fixed, typed)
        # Fixed values and those of the entry must be possible together.
        space.check_fixed({**fixed, **typed})
    except (UnknownNameError, InvalidValueError) as error:
        raise UsageError(f"{where}: {error}") from error
    searched = {name: value for name, value in typed.items() if name not in fixed}
    return {**searched, **_missing_partners(space, fixed, searched)}


def _check_against(
    space: SearchSpace, fixed: Mapping[str, Value], typed: Mapping[str, Value]
) -> None:
    """Check that no value would be silently left aside."""
    for name, value in typed.items():
        if name in fixed and value != fixed[name]:
            expected = f"{fixed[name]}, at which this study fixes it"
            raise InvalidValueError(name, expected, value)
        when = space.parameter(name).when
        if when and when.name not in typed and when.name not in fixed:
            advice = f"It exists only where {when}; give {when.name} too."
            raise InvalidValueError(name, f"a value of {when.name} beside it", value, advice)


def _missing_partners(
    space: SearchSpace, fixed: Mapping[str, Value], entry: Mapping[str, Value]
) -> dict[str, Value]:
    """Complete hyperparameters that must fit together, if some are given.

    A sampler that chose the others first could leave no room for the given ones.
    """
    if not any(name in entry for name in space.constrained):
        return {}
    fitting = space.defaults({**fixed, **entry})
    return {
        name: fitting[name] for name in space.constrained if name not in entry and name not in fixed
    }
