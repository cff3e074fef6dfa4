"""What one_trial.py has measured, in figures: part of it."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, Any

from bench_report import Paired, markdown, middle_and_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # What a contender's process has left of one round; see `one_trial_product.train`.
    Run = Mapping[str, Any]

OURS = "hpo-torch"
FORWARD = "(the network's forward pass)"
BACKWARD = "(the backward pass)"
STEP = "(the optimiser's step)"
SCHEDULE = "(the schedule's step)"
MODEL = (FORWARD, BACKWARD, STEP, SCHEDULE)


def turns(contenders: Sequence[str], rounds: int, seed: int) -> list[list[str]]:
    """Return the order of each round: one drawn at random, begun one later in every round.

    So that each comes first, second ... about equally often.
    """
    drawn = list(contenders)
    random.Random(seed).shuffle(drawn)
    starts = [number % len(drawn) for number in range(rounds)]
    return [drawn[start:] + drawn[:start] for start in starts]


def typical_epoch(seconds: Sequence[float]) -> float:
    """Return the median of the epochs behind the first one, which warms up.

    Raises:
        ValueError: There is only one.
    """
    if len(seconds) < 2:  # noqa: PLR2004
        raise ValueError(f"expected at least 2 epochs, got {len(seconds)}")
    return statistics.median(seconds[1:])


def figures(runs: Mapping[str, Sequence[Run]]) -> dict[str, dict[str, Any]]:
    """Sum up each contender's rounds; `ratios` are hpo-torch's seconds by its, of each round.

    Args:
        runs: By contender, in the order of rounds; hpo-torch's among them.
    """
    ours = [typical_epoch(run["epochs"]) for run in runs[OURS]]
    summed = {}
    for name, own in runs.items():
        seconds = [typical_epoch(run["epochs"]) for run in own]
        pairs = Paired(ours, seconds)
        summed[name] = {
            "first_epoch_seconds": [run["epochs"][0] for run in own],
            "epoch_seconds": seconds,
            "epoch_seconds_median": statistics.median(seconds),
            "ratios": pairs.ratios,
            "ratio_median": pairs.median,
            "ratio_spread": list(pairs.spread),
            "val_accuracy": [run["val_accuracy"] for run in own],
            "parameters": own[0]["parameters"],
        }
    return summed


def contender_table(summed: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the comparison as Markdown: medians of rounds, and ranges."""
    header = (
        "contender",
        "seconds an epoch",
        "hpo-torch by it",
        "first epoch, s",
        "validation accuracy",
        "parameters",
    )
    rows = [
        (
            name,
            middle_and_range(own["epoch_seconds"]),
            "1" if name == OURS else middle_and_range(own["ratios"], 3),
            middle_and_range(own["first_epoch_seconds"]),
            middle_and_range(own["val_accuracy"], 4),
            f"{own['parameters']:,}",
        )
        for name, own in summed.items()
    ]
    return markdown(header, rows)


def epoch_parts(runs: Sequence[Run]) -> dict[str, list[float]]:
    """Return what an epoch of hpo-torch's consists of: medians of each round's later epochs.

    Returns:
        training: Seconds of training and validation.
        health: Of its measurement.
        rest: Of all else: the training's state on disk, the event, what Lightning does between.
    """
    parts: dict[str, list[float]] = {"training": [], "health": [], "rest": []}
    for run in runs:
        split = list(
            zip(run["epochs"], run["training_seconds"], run["health_seconds"], strict=True)
        )
        parts["training"].append(typical_epoch([training for _, training, _ in split]))
        parts["health"].append(typical_epoch([health for _, _, health in split]))
        parts["rest"].append(typical_epoch([whole - a - b for whole, a, b in split]))
    return parts


def parts_table(parts: Mapping[str, Sequence[float]]) -> str:
    """Return hpo-torch's epoch in its parts, as Markdown."""
    names = {
        "training": "training and validation",
        "health": "measuring health",
        "rest": "the training's state on disk, events, between epochs",
    }
    header = ("an epoch of hpo-torch's", "seconds")
    return markdown(
        header, [(names[name], middle_and_range(each, 3)) for name, each in parts.items()]
    )


def group_of(label: str) -> str:
    """Return whose seconds a line of the profile tells of."""
    if label in MODEL:
        return "the model"
    if label.startswith(("hpo_torch/health/", "hpo_torch_health/")):
        return "hpo-torch, health"
    if label.startswith("hpo_torch"):
        return "hpo-torch"
    return "Lightning" if label.startswith("lightning") else "other"


def profile_table(profile: Mapping[str, Any], lines: int) -> str:
    """Return where an epoch's seconds go, as Markdown: by group, then the costliest functions.

    Args:
        profile: What `one_trial_profile.train` returns.
        lines: Functions to list.
    """
    seconds: Mapping[str, float] = profile["seconds"]
    groups: dict[str, float] = {}
    for label, spent in seconds.items():
        groups[group_of(label)] = groups.get(group_of(label), 0.0) + spent
    header = ("where", "ms a step", "% of the time", "calls a step")
    steps, whole = profile["steps"], sum(seconds.values())

    def row(label: str, spent: float, calls: str) -> tuple[str, str, str, str]:
        return label, f"{1e3 * spent / steps:.3f}", f"{100 * spent / whole:.2f}", calls

    rows = [row(f"all of: {name}", spent, "") for name, spent in _costliest(groups)]
    rows += [
        row(label, spent, f"{profile['calls'].get(label, 0) / steps:.2f}")
        for label, spent in _costliest(seconds)[:lines]
    ]
    return markdown(header, rows)


def _costliest(seconds: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda item: -item[1])
