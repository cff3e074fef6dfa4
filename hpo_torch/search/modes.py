"""The two modes of a study: the objective alone, or the objective and health together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hpo_torch.errors import UnknownNameError, UsageError
from hpo_torch.search.objectives import find_objective

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.protocol.measurements import Measurements
    from hpo_torch.search.objectives import References


WORST_SCORE: Final = 0.0
"""Of all scores, 0..1; what a diverged trial gets, so that samplers learn from it."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of scoring; `weighs_health` tells whether health takes part."""

    name: str
    summary: str
    weighs_health: bool


MODES: Final[Mapping[str, Mode]] = {
    mode.name: mode
    for mode in (
        Mode("simple", "the objective alone; health is measured but not scored", False),
        Mode("health", "(1 - health_weight) x objective + health_weight x overall_health", True),
    )
}


def check_combination(mode: str, objective: str) -> None:
    """Check that `objective` can be optimised in `mode`.

    Raises:
        UnknownNameError: There is no such mode or objective.
        UsageError: The objective is health's own and the mode is simple.
    """
    if mode not in MODES:
        raise UnknownNameError("mode", mode, MODES)
    if find_objective(objective).health_only and not MODES[mode].weighs_health:
        raise UsageError(
            f"objective '{objective}' is a measure of health, which mode '{mode}' does not score. "
            "Use mode 'health'."
        )


def score(
    measurements: Measurements,
    mode: str,
    objective: str,
    health_weight: float,
    references: References,
) -> float | None:
    """Return a trial's score, 0..1, higher better, or None where it was not measured.

    Simple mode: the objective O. Health mode: (1 - w) O + w H with H = overall_health (0 where
    too little of it was measured), except that a health-only objective is the whole score.

    Args:
        measurements: Of the trial.
        mode: Name of the mode.
        objective: Name of the objective.
        health_weight: w, 0..1.
        references: Costs that the cost objectives compare with.

    Raises:
        UsageError: As for `check_combination`.
    """
    check_combination(mode, objective)
    wanted = find_objective(objective)
    value = wanted.score(measurements, references)
    if value is None or wanted.health_only or not MODES[mode].weighs_health:
        return value
    return (1.0 - health_weight) * value + health_weight * (measurements.overall_health or 0.0)
