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


def command_line_layers(
    preset: str | None, config: Path | None, sets: list[str], options: Mapping[str, Any]
) -> list[Layer]:
    """Order all layers above the defaults: preset, file, environment, command line.

    Args:
        preset: Name of a preset.
        config: A YAML file.
        sets: SECTION.KEY=VALUE texts of `--set`.
        options: Other options by dotted setting; None where the option was not given.
    """
    layers: list[Layer] = []
    if preset is not None:
        layers.append(preset_layer(preset))
    if config is not None:
        layers.append(file_layer(config))
    layers.append(environment_layer())
    given = {name: value for name, value in options.items() if value is not None}
    layers.append(Layer("command line", {**assignments(sets, "--set"), **given}))
    return layers
