"""Searching from Python: the same settings, checks and files as `hpo-torch optimize`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from hpo_torch.api.result import Result
from hpo_torch.cli.plain_view import PlainView
from hpo_torch.config.load import (
    Layer,
    environment_layer,
    file_layer,
    flatten,
    preset_layer,
    resolve_config,
)
from hpo_torch.config.options import OPTIONS, option_values
from hpo_torch.errors import UnknownNameError
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.study import optimize as searching
from hpo_torch.study import resume as resuming
from hpo_torch.study.audience import Audience

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from hpo_torch.config.options import Options
    from hpo_torch.protocol.events import AnyEvent

_OWN = ("preset", "config", "settings", "progress", "callbacks")
_LOG = logging.getLogger("hpo_torch")


def optimize(
    *,
    preset: str | None = None,
    config: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool = True,
    callbacks: Sequence[Callable[[AnyEvent], None]] = (),
    **options: Unpack[Options],
) -> Result:
    """Search hyperparameters of a network for a data set, and leave a complete run folder.

    Settings are taken from defaults, preset, file, HPO_TORCH_* environment, `settings` and options,
    each over the one before. After Ctrl-C the result is that of an interrupted run, which `resume`
    goes on with. Warnings go to the logger "hpo_torch".

    Args:
        preset: Name of a preset: `hpo-torch config presets`.
        config: A YAML file of settings; a run's config.yaml repeats it.
        settings: Any setting by dotted name, or by section: {"search.trials": 5}.
        progress: Print what happens as plain lines.
        callbacks: Called with every event (`hpo_torch.protocol.events`) in this thread; one that
            raises stops the search, which can be resumed.
        options: Those of `hpo-torch optimize`, by the same names; fix and health_weights are
            mappings.

    Raises:
        UsageError: A setting names or asks for what does not exist.
        DataError: The data set's files are absent, corrupt or cannot be fetched.
        OutputError: The run's folder cannot be written.
        StudyFailedError: No trial completed; the message says why the trials failed.
    """
    for name in options:
        if name not in OPTIONS:
            raise UnknownNameError("option", name, [*OPTIONS, *_OWN])
    layers = [] if preset is None else [preset_layer(preset)]
    layers += [] if config is None else [file_layer(Path(config).expanduser())]
    layers += [environment_layer(), _layer(settings, options)]
    resolved = resolve_config(layers).config
    audience = _audience(callbacks, progress=progress)
    return Result(searching.optimize(resolved, installed_registry(), audience))


def resume(
    run: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any] | None = None,
    progress: bool = True,
    callbacks: Sequence[Callable[[AnyEvent], None]] = (),
    **options: Unpack[Options],
) -> Result:
    """Go on with a run that was interrupted or killed, or is wanted to have more trials.

    Args:
        run: Its folder.
        settings: Settings to change for good, as of `optimize`.
        progress: As of `optimize`, like `callbacks`.
        callbacks: Called with every new event.
        options: To change for good: trials=100.

    Raises:
        UsageError: A change would make another study of it: another data set, mode, seed ...
        UnknownNameError: There is no such run, or no such setting.
        RunInUseError: Another process works on it.
        HpoTorchError: As for `optimize`.
    """
    changes = _layer(settings, options).values
    audience = _audience(callbacks, progress=progress)
    path = Path(run).expanduser()
    return Result(resuming.resume(path, changes, installed_registry(), audience))


def _layer(settings: Mapping[str, Any] | None, options: Mapping[str, Any]) -> Layer:
    return Layer("arguments", {**flatten(settings or {}), **option_values(options)})


def _audience(callbacks: Sequence[Callable[[AnyEvent], None]], *, progress: bool) -> Audience:
    if not progress:
        return Audience(listeners=callbacks, warn=_LOG.warning)
    # A notebook shows plain text better than one box per line.
    lines = PlainView(Console(file=sys.stdout, highlight=False, force_jupyter=False))
    return Audience(
        listeners=[lines.hear, *callbacks],
        note=lines.note,
        warn=_LOG.warning,
        progress=lines.progress,
    )
