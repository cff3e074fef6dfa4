"""Go on with a run that was interrupted, killed, or is wanted to have more trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hpo_torch.config.load import Layer, environment_layer, file_layer, resolve_config
from hpo_torch.errors import InvalidValueError, UsageError
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.summary import RunView
from hpo_torch.study.agreement import settings_that_matter
from hpo_torch.study.logger_kinds import logger_kinds
from hpo_torch.study.optimize import prepare
from hpo_torch.study.session import Session
from hpo_torch.study.storage import is_begun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.study.audience import Audience

# Part of the study, and yet open to change: it is decided when all trials have ended.
_CHANGEABLE: Final = frozenset({"search.confirm", "search.confirm_seeds"})


def resume(
    path: Path, changes: Mapping[str, Any], registry: Registry, audience: Audience
) -> RunDirectory:
    """Bring a run to its end.

    Trials that were in flight go on from their last finished epoch, and the sampler where it was:
    what comes of it is what an uninterrupted run would have brought. A run that is complete, and
    not wanted to have more trials, is left as it is.

    Args:
        path: The run's folder.
        changes: Settings to change for good, by dotted name ("search.trials": 100).
        registry: What is installed.
        audience: Who is told.

    Raises:
        UnknownNameError: There is no such run.
        RunInUseError: Another process works on it.
        InvalidValueError: Fewer trials are wanted than were begun.
        UsageError: A change would make another study of it: another data set, mode, seed ...
        HpoTorchError: As for `optimize`.
    """
    run = RunDirectory.open(path)
    with run_lock(run.path):
        view = RunView(run)
        config = changed(run, changes)
        check_same_study(view.config, config)
        done = sum(view.counts.values())
        if config.search.trials < done and config.execution.storage is None:
            raise InvalidValueError(
                "search.trials", f"{done} or more, the trials in all", config.search.trials,
                f"{done} trials of this run have ended already."
            )  # fmt: skip
        if view.is_whole and view.satisfies(config.search):
            return run
        logger_kinds(config.output)  # refused before anything is written
        plan, selection, backend = prepare(config, registry, audience, begun=is_begun(run))
        Session(plan, selection, run, audience).work(backend, registry)
    return run


def changed(run: RunDirectory, changes: Mapping[str, Any]) -> RunConfig:
    """Return the run's settings with changes, validated."""
    known = file_layer(run.config, "the run's config.yaml")
    layers = [known, Layer("command line", dict(changes))]
    if known.values.get("execution.storage") is not None:
        layers.insert(1, _database())
    return resolve_config(layers).config


def check_same_study(begun: RunConfig, wanted: RunConfig) -> None:
    """Compare the settings that a run was begun with to those that it is to go on with.

    Raises:
        UsageError: They mean another study; the message names every setting, and both values.
    """
    ours, given = settings_that_matter(begun), settings_that_matter(wanted)
    names = [name for name in {**ours, **given} if name not in _CHANGEABLE]
    differing = [
        f"{name} is {_text(ours, name)} in this run, got {_text(given, name)}"
        for name in names
        if _text(ours, name) != _text(given, name)
    ]
    if differing:
        raise UsageError(f"resume: {'; '.join(differing)}. Begin a new run for that.")


def _text(settings: Mapping[str, Any], name: str) -> str:
    return repr(settings[name]) if name in settings else "not set"


def _database() -> Layer:
    """Take a database's URL from the environment: config.yaml has it without its password."""
    settings = environment_layer()
    wanted = {name: url for name, url in settings.values.items() if name == "execution.storage"}
    return Layer(settings.origin, wanted)
