"""Which backend a run uses: the one it names, or the one that 'auto' finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hpo_torch.errors import UnknownNameError
from hpo_torch.hooks.lazy import resolve
from hpo_torch.hooks.records import Readiness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.hooks.records import BackendSpec

AUTO = "auto"
LOCAL = "local"
KIND = "execution backend"


class Selection(NamedTuple):
    """The chosen backend, and why, in words for the user.

    Attributes:
        spec: The backend's record.
        reason: Why it was chosen, and others not.
        fallback: The backend with which trials go on once that one fails; None where the study
            ends instead.
    """

    spec: BackendSpec
    reason: str
    fallback: BackendSpec | None = None


def select_backend(settings: ExecutionSettings, specs: Iterable[BackendSpec]) -> Selection:
    """Return the backend that `settings.backend` means among the registered ones.

    'auto' asks those that say when they can be chosen (`BackendSpec.auto`), remote ones first; the
    first that is ready is taken, and the local one where none is.

    Raises:
        UnknownNameError: No backend of that name is registered.
    """
    by_name = {spec.name: spec for spec in specs}
    if settings.backend != AUTO:
        spec, reason = _named(settings.backend, by_name), "asked for"
    else:
        spec, reason = _find(settings, by_name)
    return Selection(spec, reason, _fallback(settings, spec, by_name))


def _named(name: str, by_name: Mapping[str, BackendSpec]) -> BackendSpec:
    if name not in by_name:
        raise UnknownNameError(KIND, name, by_name)
    return by_name[name]


def _find(
    settings: ExecutionSettings, by_name: Mapping[str, BackendSpec]
) -> tuple[BackendSpec, str]:
    """Return the first backend that is ready, and why it, and why none before."""
    passed = ""
    asked = sorted(
        (spec for spec in by_name.values() if spec.auto), key=lambda spec: not spec.remote
    )
    for spec in asked:
        found = readiness_of(spec, settings)
        if found.ready:
            return spec, f"auto: {found.reason}{passed}"
        passed += f"; not {spec.name}: {found.reason}"
    spec = _named(LOCAL, by_name)
    return spec, f"auto: {spec.where}{passed}"


def readiness_of(spec: BackendSpec, settings: ExecutionSettings) -> Readiness:
    """Ask a backend that says when it can be chosen (`BackendSpec.auto`) whether it can be now."""
    # What its trials need is another question, asked where it is chosen.
    record = replace(spec, target=spec.auto, requires=())
    try:
        found: Readiness = resolve(KIND, record)(settings)
    except Exception as error:  # a third party's code can fail in any way
        return Readiness(ready=False, reason=f"{type(error).__name__}: {error}")
    return found


def _fallback(
    settings: ExecutionSettings, spec: BackendSpec, by_name: Mapping[str, BackendSpec]
) -> BackendSpec | None:
    wanted = settings.fallback or (LOCAL if settings.backend == AUTO else "none")
    if wanted == "none" or spec.name == LOCAL:
        return None
    return _named(LOCAL, by_name)
