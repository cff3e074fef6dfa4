"""The options of a search by the short names that the command line and Python share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypedDict, get_type_hints

from hpo_torch.config.load import flatten
from hpo_torch.config.schema import (  # noqa: TC001 - get_type_hints reads them
    Combination,
    ForcedActivation,
    Mode,
    Pruner,
    Sampler,
)
from hpo_torch.errors import InvalidValueError, UnknownNameError

PathText = str | os.PathLike[str]


class Options(TypedDict, total=False):
    """Each option's type, and the setting or settings that it stands for.

    None is not given. What a setting means and may be is said in `hpo_torch.config.schema`, and by
    `hpo-torch optimize --help`.
    """

    dataset: Annotated[str | None, "data.dataset"]
    data_dir: Annotated[PathText | None, "data.dir"]
    data_path: Annotated[PathText | None, "data.path"]
    text_column: Annotated[str | None, "data.text_column"]
    label_column: Annotated[str | None, "data.label_column"]
    skip_corrupt: Annotated[bool | None, "data.skip_corrupt"]
    family: Annotated[str | None, "search.family"]
    mode: Annotated[Mode | None, "search.mode"]
    optimize_for: Annotated[str | None, "search.optimize_for"]
    health_weight: Annotated[float | None, "search.health_weight"]
    delta: Annotated[float | None, "search.delta"]
    health_weights: Annotated[Mapping[str, float] | None, "health.weights"]
    health_combine: Annotated[Combination | None, "health.combine"]
    health_preset: Annotated[str | None, "health.preset"]
    health_stop: Annotated[bool | None, "health.stop"]
    trials: Annotated[int | None, "search.trials"]
    timeout: Annotated[float | None, "search.timeout"]
    trial_timeout: Annotated[float | None, "search.trial_timeout"]
    max_failures: Annotated[int | None, "search.max_failures"]
    max_compute: Annotated[float | None, "search.max_compute"]
    max_parameters: Annotated[int | None, "search.max_parameters"]
    max_memory: Annotated[float | None, "search.max_memory"]
    confirm: Annotated[int | None, "search.confirm"]
    confirm_seeds: Annotated[int | None, "search.confirm_seeds"]
    activation: Annotated[ForcedActivation | None, "search.activation"]
    fix: Annotated[Mapping[str, Any] | None, "search.fix"]
    sampler: Annotated[Sampler | None, "search.sampler"]
    pruner: Annotated[Pruner | None, "search.pruner"]
    enqueue: Annotated[PathText | None, "search.enqueue"]
    warm_start: Annotated[PathText | None, "search.warm_start"]
    seed: Annotated[int | None, "search.seed"]
    min_epochs: Annotated[int | None, "search.min_epochs"]
    max_epochs: Annotated[int | None, "search.max_epochs"]
    # After the two that it stands for, and so over them.
    epochs: Annotated[int | None, "search.min_epochs", "search.max_epochs"]
    backend: Annotated[str | None, "execution.backend"]
    device: Annotated[str | None, "execution.device"]
    jobs: Annotated[int | None, "execution.jobs"]
    oversubscribe: Annotated[bool | None, "execution.oversubscribe"]
    fallback: Annotated[Literal["local", "none"] | None, "execution.fallback"]
    endpoint: Annotated[str | None, "execution.remote.endpoint"]
    gpu_tier: Annotated[str | None, "execution.remote.gpu_tier"]
    max_cost: Annotated[float | None, "execution.remote.max_cost"]
    queue_timeout: Annotated[float | None, "execution.remote.queue_timeout"]
    trials_per_job: Annotated[int | None, "execution.remote.trials_per_job"]
    bucket: Annotated[str | None, "execution.remote.bucket"]
    storage: Annotated[str | None, "execution.storage"]
    output_dir: Annotated[PathText | None, "output.dir"]
    name: Annotated[str | None, "output.name"]
    plots: Annotated[Literal["all", "best", "none"] | None, "output.plots"]
    tensorboard: Annotated[bool | None, "output.tensorboard"]


OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    name: hint.__metadata__ for name, hint in get_type_hints(Options, include_extras=True).items()
}
"""The settings of each option, by the option's name."""

MAPPINGS: Final = ("fix", "health_weights")
"""Options that are mappings; the command line takes them as NAME=VALUE texts."""


def option_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that options stand for, by dotted name; None was not given.

    >>> option_values({"trials": 5, "epochs": 3, "fix": {"filters": 32}, "mode": None})
    ... # doctest: +NORMALIZE_WHITESPACE
    {'search.trials': 5, 'search.fix.filters': 32,
     'search.min_epochs': 3, 'search.max_epochs': 3}

    Raises:
        UnknownNameError: There is no such option.
        InvalidValueError: An option that is a mapping was given something else.
    """
    for name in options:
        if name not in OPTIONS:
            raise UnknownNameError("option", name, OPTIONS)
    values: dict[str, Any] = {}
    for name, settings in OPTIONS.items():
        value = options.get(name)
        if value is None:
            continue
        if name in MAPPINGS:
            values |= _entries(name, settings[0], value)
        else:
            plain = os.fspath(value) if isinstance(value, os.PathLike) else value
            values |= dict.fromkeys(settings, plain)
    return values


def _entries(name: str, setting: str, value: Any) -> dict[str, Any]:
    """Return a setting per entry: those of lower layers stay, as with NAME=VALUE texts."""
    if not isinstance(value, Mapping):
        raise InvalidValueError(name, "a mapping of names to values", value)
    return {f"{setting}.{entry}": inner for entry, inner in flatten(value).items()}
