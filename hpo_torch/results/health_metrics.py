"""What each health metric said over a run's trials: its spread, its gaps, its use as a ranking."""

from __future__ import annotations

from collections import Counter
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.rank_correlation import kendall_tau

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpo_torch.config.schema import HealthSettings
    from hpo_torch.protocol.measurements import HealthReading
    from hpo_torch.results.records import TrialResult

SAME = 1e-6
"""Values that differ by no more are the same: they rank nothing."""


class MetricFigures(Frozen):
    """One health metric over a run's completed trials.

    Attributes:
        weight: Its weight in overall_health; None where its plugin is not installed.
        measured: How many trials it has a value of.
        not_measured: How many it has none of, by reason.
        low: Least value; None where nothing was measured, like the next three.
        high: Greatest value.
        mean: Of the values.
        deviation: Their standard deviation, dividing by their number.
        tau: Kendall's tau-b with validation accuracy, -1..1; None where one of them never varied.
    """

    name: str
    weight: float | None
    measured: int
    not_measured: dict[str, int]
    low: float | None
    high: float | None
    mean: float | None
    deviation: float | None
    tau: float | None

    @property
    def never_varied(self) -> bool:
        """Whether two or more trials were measured, all alike: then it told nothing apart."""
        if self.low is None or self.high is None:
            return False
        return self.measured > 1 and self.high - self.low <= SAME


def metric_figures(
    completed: Sequence[TrialResult], settings: HealthSettings
) -> list[MetricFigures]:
    """Sum up every metric that was read in a completed trial, in order of appearance.

    Args:
        completed: Trials with measurements.
        settings: The run's; an unnamed metric has its plugin's default weight.
    """
    weights = metric_weights(settings)
    names = dict.fromkeys(
        name for trial in completed if trial.measurements for name in trial.measurements.health
    )
    return [_figures(name, weights.get(name), completed) for name in names]


def metric_weights(settings: HealthSettings) -> dict[str, float]:
    """Return the weight of every installed or configured metric, by name."""
    offered = installed_registry().health_metrics
    return settings.weights_of({spec.name: spec.default_weight for spec in offered})


def _figures(name: str, weight: float | None, completed: Sequence[TrialResult]) -> MetricFigures:
    values, accuracies, reasons = list[float](), list[float](), Counter[str]()
    for trial in completed:
        measured = trial.measurements
        if measured is None or (reading := measured.health.get(name)) is None:
            continue
        if reading.value is None:
            reasons[reading.reason or "no reason given"] += 1
        else:
            values.append(reading.value)
            accuracies.append(measured.val_accuracy)
    return MetricFigures(
        name=name,
        weight=weight,
        measured=len(values),
        not_measured=dict(reasons.most_common()),
        low=min(values, default=None),
        high=max(values, default=None),
        mean=fmean(values) if values else None,
        deviation=pstdev(values) if values else None,
        tau=kendall_tau(values, accuracies),
    )


def in_order(
    health: Mapping[str, HealthReading], weights: Mapping[str, float]
) -> list[tuple[str, HealthReading, float]]:
    """Return readings with their weights: those that count first, by falling weight; then the rest.

    A metric whose plugin is not installed counts as tracked only: its weight is taken as 0.
    """
    listed = [(name, reading, weights.get(name, 0.0)) for name, reading in health.items()]
    return sorted(listed, key=lambda entry: -entry[2])
