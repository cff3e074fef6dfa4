"""What a study optimises: each objective turns a trial's measurements into 0..1, higher better."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import Field

from hpo_torch.errors import PluginError
from hpo_torch.hooks.records import ObjectiveSpec
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.measurements import Frozen

if TYPE_CHECKING:
    from hpo_torch.protocol.measurements import Measurements

FULL_SKILL: Final = 0.10
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


class Score(Protocol):
    """What an `ObjectiveSpec`'s target is: a pure function of one trial.

    It must not mix units: a cost (seconds, bytes, parameters) becomes a share of its reference by
    `cost_discount`. Nor may it remember other trials: a score is decided once, and the sampler
    learns from it.
    """

    def __call__(self, measurements: Measurements, references: References, /) -> float | None:
        """Return 0..1, higher better; None where something that it needs was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective(ObjectiveSpec):
    """An objective's record with its target, imported.

    Attributes:
        function: What the record's target names.
    """

    function: Score

    def score(self, measurements: Measurements, references: References) -> float | None:
        """Score a trial, 0..1, higher better; None where something needed was not measured.

        Raises:
            PluginError: The function failed, or returned something else.
        """
        try:
            value = self.function(measurements, references)
            value = None if value is None else float(value)
        except Exception as error:  # a third party's code can fail in any way
            raise PluginError(
                f"objective '{self.name}' failed: {type(error).__name__}: {error}"
            ) from error
        if value is not None and not 0.0 <= value <= 1.0:
            raise PluginError(f"objective '{self.name}': expected 0..1 or None, got {value}")
        return value


def cost_discount(amount: float, reference: float) -> float:
    """Return 1 / (1 + log2(1 + amount / reference)), in (0, 1].

    1 at no cost, 1/2 at the reference, strictly falling, and free of units: scaling both arguments
    alike changes nothing. It needs no least cost over the trials so far, so that a trial's score
    never depends on the others.

    Args:
        amount: What is spent (seconds, bytes, parameters ...), at least 0.
        reference: The amount that costs half, in the same unit, above 0.
    """
    return 1.0 / (1.0 + math.log2(1.0 + amount / reference))


def skill(accuracy: float, baseline_accuracy: float) -> float:
    """Return clip((A - A0) / (1 - A0), 0, 1): the share of what can be learnt that was.

    Args:
        accuracy: A, 0..1.
        baseline_accuracy: A0, the majority class's share; with 1 there is nothing to learn, so 0.
    """
    if baseline_accuracy >= 1.0:
        return 0.0
    return min(1.0, max(0.0, (accuracy - baseline_accuracy) / (1.0 - baseline_accuracy)))


def skill_gate(skill: float) -> float:
    """Return clip(skill / 0.10, 0, 1): how far a network's health counts.

    An untrained network can look healthy everywhere, so health without skill is worth nothing.
    """
    return min(1.0, max(0.0, skill / FULL_SKILL))


def find_objective(name: str) -> Objective:
    """Return the objective of that name, from whichever installed plugin offers it.

    Raises:
        UnknownNameError: There is none.
        MissingDependencyError: A package that it needs is not installed.
        PluginError: Its record names a target that does not exist.
    """
    objectives = installed_registry().objectives
    spec = objectives.get(name)
    facts = {field.name: getattr(spec, field.name) for field in fields(ObjectiveSpec)}
    return Objective(**facts, function=objectives.load(name))
