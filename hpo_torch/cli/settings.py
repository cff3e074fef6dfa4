"""From command-line options to layers of settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hpo_torch.config.load import (
    Layer,
    assignments,
    environment_layer,
    file_layer,
    preset_layer,
    split_assignment,
)
from hpo_torch.config.options import MAPPINGS, OPTIONS, option_values


def fixed_values(texts: Iterable[str]) -> list[str]:
    """Turn NAME=VALUE texts of `--fix` into SECTION.KEY=VALUE texts."""
    return [f"search.fix.{text}" for text in texts]


def health_weights(texts: Iterable[str]) -> list[str]:
    """Turn NAME=VALUE,... texts of `--health-weights` into SECTION.KEY=VALUE texts.

    Raises:
        UsageError: A part is no NAME=VALUE.
    """
    pairs = [pair for text in texts for pair in text.split(",") if pair.strip()]
    named = (split_assignment(pair, "--health-weights") for pair in pairs)
    return [f"health.weights.{name}={value}" for name, value in named]


def optimize_layers(given: Mapping[str, Any], *, environment: bool = True) -> list[Layer]:
    """Turn the arguments of `hpo-torch optimize` into layers of settings.

    Args:
        given: By the names of that command's parameters; more of them are ignored.
        environment: Whether this machine's HPO_TORCH_* variables are a layer.

    Raises:
        UsageError: A NAME=VALUE text is none, or a file or preset cannot be read.
    """
    options = option_values({option: given[option] for option in OPTIONS if option not in MAPPINGS})
    sets = [
        *(given["set_"] or []),
        *fixed_values(given["fix"] or []),
        *health_weights(given["health_weights_"] or []),
    ]
    return command_line_layers(
        given["preset"], given["config"], sets, options, environment=environment
    )


def command_line_layers(
    preset: str | None,
    config: Path | None,
    sets: list[str],
    options: Mapping[str, Any],
    *,
    environment: bool = True,
) -> list[Layer]:
    """Order all layers above the defaults: preset, file, environment, command line.

    Args:
        preset: Name of a preset.
        config: A YAML file.
        sets: SECTION.KEY=VALUE texts of `--set`.
        options: Other options by dotted setting; None where the option was not given.
        environment: Whether this machine's HPO_TORCH_* variables are a layer.
    """
    layers: list[Layer] = []
    if preset is not None:
        layers.append(preset_layer(preset))
    if config is not None:
        layers.append(file_layer(config))
    if environment:
        layers.append(environment_layer())
    given = {name: value for name, value in options.items() if value is not None}
    layers.append(Layer("command line", {**assignments(sets, "--set"), **given}))
    return layers
