"""What a study optimises: each objective turns a trial's measurements into 0..1, higher better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from hpo_torch.errors import UnknownNameError
from hpo_torch.protocol.measurements import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpo_torch.protocol.measurements import Measurements

    Score = Callable[[Measurements, "References"], float | None]

SKILLED: Final = 0.10
"""Skill from which a network's health counts in full; below, it is scaled down to 0."""


class References(Frozen):
    """Costs of a study's first completed trial, frozen: the unit of the cost objectives.

    None: not measured (yet). A cost that equals its reference is scored 0.5 x skill.
    """

    training_seconds: float | None = Field(default=None, gt=0.0)
    memory_bytes: float | None = Field(default=None, gt=0.0)
    inference_seconds: float | None = Field(default=None, gt=0.0)

    @classmethod
    def of(cls, measurements: Measurements) -> References:
        """Take one trial's costs as references; a cost of 0 counts as not measured."""
        return cls(
            training_seconds=measurements.training_seconds or None,
            memory_bytes=measurements.memory_bytes or None,
            inference_seconds=measurements.inference_seconds or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One thing to optimise for.

    Attributes:
        name: On the command line.
        summary: One line for listings.
        score: 0..1, higher better; None where something it needs was not measured.
        health_only: Only for health mode, where it is the whole score.
        early_stopping_metric: What has to improve for training to go on.
        keeps: Whose epoch's weights are saved and scored: the best by that metric, or the last.
        relative: Whether it needs references.
    """

    name: str
    summary: str
    score: Score
    health_only: bool = False
    early_stopping_metric: Literal["val_accuracy", "val_loss"] = "val_loss"
    keeps: Literal["best", "last"] = "best"
    relative: bool = False


def economy(cost: float, reference: float) -> float:
    """Turn a cost into 0..1: 1 / (1 + log2(1 + cost / reference)).

    1 at no cost, 0.5 at the reference, strictly falling, and free of units.
    """
    return 1.0 / (1.0 + math.log2(1.0 + cost / reference))


def find_objective(name: str) -> Objective:
    """Return the objective of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in OBJECTIVES:
        raise UnknownNameError("objective", name, OBJECTIVES)
    return OBJECTIVES[name]


def _cost_objective(
    name: str,
    summary: str,
    attribute: Literal["training_seconds", "memory_bytes", "inference_seconds"],
) -> Objective:
    def score(measurements: Measurements, references: References) -> float | None:
        cost: float | None = getattr(measurements, attribute)
        reference: float | None = getattr(references, attribute)
        if cost is None or reference is None:
            return None
        # Without skill as a factor, the cheapest network at chance level would win.
        return measurements.skill * economy(cost, reference)

    return Objective(name=name, summary=summary, score=score, relative=True)


def _health_objective(metric: str, summary: str) -> Objective:
    def score(measurements: Measurements, references: References) -> float | None:
        value = _reading(measurements, metric)
        # An untrained network looks healthy, so a metric counts only as far as there is skill.
        return None if value is None else value * min(measurements.skill / SKILLED, 1.0)

    return Objective(name=metric, summary=summary, score=score, health_only=True)


def _reading(measurements: Measurements, metric: str) -> float | None:
    reading = measurements.health.get(metric)
    return None if reading is None else reading.value


_ALL: Final = (
    Objective(
        name="val_accuracy",
        summary="validation accuracy of the best epoch",
        score=lambda measurements, _: measurements.val_accuracy,
        early_stopping_metric="val_accuracy",
    ),
    Objective(
        name="accuracy",
        summary="validation accuracy of the last epoch",
        score=lambda measurements, _: measurements.last_val_accuracy,
        early_stopping_metric="val_accuracy",
        keeps="last",
    ),
    _cost_objective("training_time", "skill for little training time", "training_seconds"),
    Objective(
        name="parameter_efficiency",
        summary="skill from few parameters",
        score=lambda measurements, _: _reading(measurements, "parameter_efficiency"),
    ),
    _cost_objective("memory_efficiency", "skill for little memory in training", "memory_bytes"),
    _cost_objective("inference_speed", "skill for fast predictions", "inference_seconds"),
    Objective(
        name="overall_health",
        summary="all health metrics, combined",
        # Too little was measured to speak of health: pessimistic, so that it never pays.
        score=lambda measurements, _: measurements.overall_health or 0.0,
        health_only=True,
    ),
    _health_objective("neuron_utilization", "share of units that do something"),
    _health_objective("training_stability", "loss falls steadily and stays down"),
    _health_objective("gradient_health", "gradients reach every layer, and are finite"),
)

OBJECTIVES: Final[Mapping[str, Objective]] = {objective.name: objective for objective in _ALL}
