"""Which backend a run uses: the one it names, or the one that 'auto' means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hpo_torch.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.hooks.records import BackendSpec

AUTO = "auto"
AUTO_BACKEND = "local"


class Selection(NamedTuple):
    """The chosen backend, and why, in words for the user."""

    spec: BackendSpec
    reason: str


def select_backend(settings: ExecutionSettings, specs: Iterable[BackendSpec]) -> Selection:
    """Return the backend that `settings.backend` means among the registered ones.

    Raises:
        UnknownNameError: No backend of that name is registered.
    """
    by_name = {spec.name: spec for spec in specs}
    name = AUTO_BACKEND if settings.backend == AUTO else settings.backend
    if name not in by_name:
        raise UnknownNameError("execution backend", name, by_name)
    spec = by_name[name]
    reason = f"auto: {spec.where}" if settings.backend == AUTO else "asked for"
    return Selection(spec, reason)
