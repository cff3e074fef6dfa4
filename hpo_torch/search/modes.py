"""The modes of a study: the objective alone, mixed with health, or health beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError
from hpo_torch.search.objectives import find_objective

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.protocol.measurements import Measurements
    from hpo_torch.search.objectives import References


WORST_SCORE: Final = 0.0
"""Of all scores, 0..1; what a diverged trial gets, so that samplers learn from it."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of using health.

    Attributes:
        name: On the command line.
        summary: One line for listings.
        weighs_health: Whether health is a part of the score.
        two_objectives: Whether the sampler optimises objective and health as two things; the score
            is the objective.
    """

    name: str
    summary: str
    weighs_health: bool = False
    two_objectives: bool = False


MODES: Final[Mapping[str, Mode]] = {
    mode.name: mode
    for mode in (
        Mode("simple", "the objective alone; health is measured but not scored"),
        Mode(
            "health",
            "(1 - health_weight) x objective + health_weight x overall_health",
            weighs_health=True,
        ),
        Mode(
            "constrained",
            "the healthiest trial whose objective is within delta of the best",
            two_objectives=True,
        ),
        Mode(
            "pareto",
            "objective and overall_health as two objectives: the front of both, and two picks",
            two_objectives=True,
        ),
    )
}

JUDGES_TWO: Final = ("none", "median", "percentile", "asha")
"""The pruners of two objectives: they compare trials, which can be ranked by both."""


def check_combination(mode: str, objective: str) -> None:
    """Check that `objective` can be optimised in `mode`.

    Raises:
        UnknownNameError: There is no such mode or objective.
        UsageError: The objective is health's own and the mode is simple.
    """
    if mode not in MODES:
        raise UnknownNameError("mode", mode, MODES)
    if not find_objective(objective).health_only:
        return
    if MODES[mode].two_objectives:
        raise UsageError(
            f"objective '{objective}' is a measure of health, which is the second objective of "
            f"mode '{mode}' already. Choose another objective, or mode 'health'."
        )
    if not MODES[mode].weighs_health:
        raise UsageError(
            f"objective '{objective}' is a measure of health, which mode '{mode}' does not score. "
            "Use mode 'health'."
        )


def optimises_two(search: SearchSettings) -> bool:
    """Whether the study has two objectives: `optimize_for` and overall_health."""
    return MODES[search.mode].two_objectives


def check_methods(search: SearchSettings) -> None:
    """Check that sampler, pruner and confirmation know what to do with the mode's objectives.

    Raises:
        InvalidValueError: One of them is for a single score.
    """
    if not optimises_two(search):
        return
    where = f"in mode '{search.mode}', which optimises objective and health as two"
    if search.sampler == "cmaes":
        expected = f"tpe, gp, nsga2, random, grid or qmc {where}"
        raise InvalidValueError("search.sampler", expected, search.sampler)
    if search.pruner not in JUDGES_TWO:
        advice = {
            "hyperband": "asha halves by both.",
            "patient": "Whether a trial improves is not defined for two objectives.",
            "threshold": "Its bounds are for one score.",
        }[search.pruner]
        expected = f"{', '.join(JUDGES_TWO[:-1])} or {JUDGES_TWO[-1]} {where}"
        raise InvalidValueError("search.pruner", expected, search.pruner, advice)
    if search.confirm:
        raise InvalidValueError(
            "search.confirm",
            f"0 {where}",
            search.confirm,
            "A mean of one score would name another winner than the mode. Train the picks again "
            "when the search is complete: hpo-torch retrain RUN --trial N --seed S.",
        )


def health_value(measurements: Measurements | None) -> float:
    """Return health as the second objective, 0..1; 0 where too little of it was measured."""
    return 0.0 if measurements is None else measurements.overall_health or 0.0


def score(
    measurements: Measurements,
    mode: str,
    objective: str,
    health_weight: float,
    references: References,
) -> float | None:
    """Return a trial's score, 0..1, higher better, or None where it was not measured.

    The objective O, in all modes but health: there (1 - w) O + w H with H = overall_health (0 where
    too little of it was measured), except that a health-only objective is the whole score. In
    the modes of two objectives, `health_value` is the other one.

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
