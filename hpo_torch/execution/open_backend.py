"""From a selection to a backend, with what takes over where it fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hpo_torch.errors import HpoTorchError, InvalidValueError
from hpo_torch.execution.fallback import WRONG_SETTING, FallbackBackend
from hpo_torch.execution.select import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.execution.backend import BackendFactory, ExecutionBackend


def open_backend(
    selection: Selection,
    settings: ExecutionSettings,
    load: Callable[[str], BackendFactory],
    warn: Callable[[str], None],
) -> tuple[Selection, ExecutionBackend]:
    """Make the chosen backend; nothing is started yet.

    Args:
        selection: Which, and what takes over once it fails.
        settings: Its settings.
        load: Imports a backend's factory by name.
        warn: Takes one line where the fallback is used from the start.

    Returns:
        The backend, and which it is: the fallback, where the chosen one cannot be used at all.

    Raises:
        HpoTorchError: The backend cannot be used, and there is no fallback; or a setting is wrong.
    """
    spec, _, fallback = selection
    if fallback is None:
        return selection, load(spec.name)(settings)
    try:
        primary = load(spec.name)(settings)
    except WRONG_SETTING:
        raise
    except HpoTorchError as error:
        warn(f"all trials run with backend '{fallback.name}', not with '{spec.name}': {error}")
        why = f"instead of {spec.name}: {error}"
        return Selection(fallback, why), _as_fallback(load(fallback.name), settings)
    names = spec.name, fallback.name
    return selection, FallbackBackend(
        primary, lambda: _as_fallback(load(fallback.name), settings), names
    )


def backends_used(selection: Selection, backend: ExecutionBackend) -> tuple[str, ...]:
    """Return the names of the backends that a run's trials went to, in order.

    Args:
        selection: What `open_backend` returned.
        backend: Likewise; it may be closed.
    """
    return backend.used if isinstance(backend, FallbackBackend) else (selection.spec.name,)


def _as_fallback(factory: BackendFactory, settings: ExecutionSettings) -> ExecutionBackend:
    """Make a backend of this machine with as many of the wanted jobs at once as it takes.

    How many were wanted was said of a place with more hardware.
    """
    for jobs in range(min(settings.jobs, _cores()), 1, -1):
        try:
            return factory(settings.model_copy(update={"jobs": jobs}))
        except InvalidValueError:
            continue  # more than it has devices
    return factory(settings.model_copy(update={"jobs": 1}))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
