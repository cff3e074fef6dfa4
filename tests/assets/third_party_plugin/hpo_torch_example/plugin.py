"""What this plugin offers: light records only; nothing here imports torch or numpy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import (
    BackendSpec,
    CommandSpec,
    DatasetSpec,
    HealthMetricSpec,
    ObjectiveSpec,
    hookimpl,
)

if TYPE_CHECKING:
    from hpo_torch.protocol.events import TrialFinished

LOG_VARIABLE = "EXAMPLE_TRIAL_LOG"


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    """Offer the drawn shapes."""
    return [
        DatasetSpec(
            name="example_shapes",
            target="hpo_torch_example.shapes:SHAPES",
            summary="noisy drawings of discs, squares and crosses",
            kind="image",
            num_classes=3,
            input_shape=(1, 16, 16),
            sizes=(600, 150),
            source="drawn by hpo_torch_example.shapes from a fixed seed",
        )
    ]


@hookimpl
def register_health_metrics() -> list[HealthMetricSpec]:
    """Offer the weights' share of each layer."""
    return [
        HealthMetricSpec(
            name="bias_smallness",
            target="hpo_torch_example.bias_smallness:BiasSmallness",
            summary="how little layers rely on their biases instead of their inputs",
            default_weight=0.5,
        )
    ]


@hookimpl
def register_objectives() -> list[ObjectiveSpec]:
    """Offer the likelihood of the right classes."""
    return [
        ObjectiveSpec(
            name="likelihood",
            target="hpo_torch_example.likelihood:likelihood",
            summary="geometric mean of the right classes' probabilities",
        )
    ]


@hookimpl
def register_execution_backends() -> list[BackendSpec]:
    """Offer a process a trial."""
    return [
        BackendSpec(
            name="subprocess_once",
            target="hpo_torch_example.subprocess_once:make_backend",
            summary="one fresh process for each trial",
            where="a new process on this machine's CPU for every trial",
        )
    ]


@hookimpl
def register_commands() -> list[CommandSpec]:
    """Offer `hpo-torch example draw`."""
    return [
        CommandSpec(
            name="example",
            target="hpo_torch_example.commands:app",
            summary="look at the example plugin's shapes",
        )
    ]


@hookimpl
def trial_finished(event: TrialFinished) -> None:
    """Add a line to the file that $EXAMPLE_TRIAL_LOG names, if it names one."""
    if path := os.environ.get(LOG_VARIABLE):
        with Path(path).open("a", encoding="utf-8") as log:
            log.write(f"{event.trial} {event.state} {event.score}\n")
