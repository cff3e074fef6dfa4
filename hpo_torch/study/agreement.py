"""Whether two engines mean the same study: the settings on which its results depend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hpo_torch.config.load import flatten
from hpo_torch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import RunConfig

SETTINGS: Final = "settings"
"""User attribute of a shared study: what `settings_that_matter` returned to who began it."""

# Where a machine has its data, how much it can hold, how long it may work, and what only who
# begins the study reads.
_MACHINE = frozenset(
    {
        "data.dir",
        "data.download",
        "data.path",
        "data.memory_limit_gb",
        "search.trials",
        "search.timeout",
        "search.trial_timeout",
        "search.max_failures",
        "search.enqueue",
        "search.warm_start",
    }
)
_SECTIONS = {"data", "search", "training", "health"}


def settings_that_matter(config: RunConfig) -> dict[str, Any]:
    """Return by dotted name what all engines of a study have to agree on; plain JSON."""
    flat = flatten(config.model_dump(mode="json", include=_SECTIONS))
    return {name: value for name, value in flat.items() if name not in _MACHINE}


def check_agreement(study: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Compare what this engine was started with to what the study was begun with.

    Raises:
        UsageError: They differ; the message names every setting that does, and both values.
    """
    names = [*theirs, *(name for name in ours if name not in theirs)]
    differing = [
        f"{name} is {_text(theirs, name)} there and {_text(ours, name)} here"
        for name in names
        if _text(theirs, name) != _text(ours, name)
    ]
    if differing:
        raise UsageError(
            f"study '{study}' in the database was begun with other settings: "
            f"{'; '.join(differing)}. Start this engine with the study's settings, or begin a "
            "study of another name (output.name)."
        )


def _text(settings: Mapping[str, Any], name: str) -> str:
    return repr(settings[name]) if name in settings else "not set"
