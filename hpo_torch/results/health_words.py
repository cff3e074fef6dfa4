"""What health was worth in a run, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpo_torch.results.health_metrics import MetricFigures
    from hpo_torch.results.health_report import Comparison, StudyHealth

_NAMED = 8


def health_lines(report: StudyHealth) -> list[str]:
    """Say what health did in a run: its influence, the winner, idle metrics, stopped trials."""
    lines = []
    if (found := influence_line(report)) is not None:
        lines.append(found)
    if report.comparison is not None and report.mode != "simple":
        lines.append(comparison_line(report.comparison))
    if (idle := _idle_line(report.metrics)) is not None:
        lines.append(idle)
    stopped = [alerts.trial for alerts in report.alerts if alerts.stopped is not None]
    if stopped:
        lines.append(f"Stopped for their health: {_trials(stopped)}.")
    return lines


def influence_line(report: StudyHealth) -> str | None:
    """Say how far health decided the ranking; None where it has no weight."""
    whole, near = report.influence, report.influence_near_best
    if whole is None or whole.share is None:
        return None
    text = (
        f"Health weighs {report.health_weight:.0%}, and decided {whole.share:.0%} of the ranking "
        f"of {count_trials(whole.trials)}"
    )
    if near is not None and near.share is not None and near.trials != whole.trials:
        text += (
            f", {near.share:.0%} among the {near.trials} within {report.near_best:g} of the best "
            "accuracy"
        )
    return f"{text}."


def comparison_line(comparison: Comparison) -> str:
    """Say whether health changed who won."""
    if comparison.winner == comparison.without_health:
        text = f"Without health, trial {comparison.winner} would have won as well"
    else:
        text = (
            f"Without health, trial {comparison.without_health} would have won instead of "
            f"trial {comparison.winner}"
        )
    if not comparison.changed:
        return f"{text}; the leader was never another one."
    return f"{text}; the leader was another one after {comparison.changed} of {comparison.checked}."


def _idle_line(metrics: list[MetricFigures]) -> str | None:
    """Name the metrics with a weight that told no trials apart."""
    counted = [metric for metric in metrics if metric.weight]
    same = [metric.name for metric in counted if metric.never_varied]
    missing = [metric.name for metric in counted if not metric.measured]
    parts = [f"never varied: {', '.join(same)}"] if same else []
    parts += [f"never measured: {', '.join(missing)}"] if missing else []
    return f"Of the metrics that count, {'; '.join(parts)}." if parts else None


def count_trials(trials: int) -> str:
    """Return "1 trial" or "N trials"."""
    return f"{trials} trial" if trials == 1 else f"{trials} trials"


def _trials(numbers: list[int]) -> str:
    few = ", ".join(map(str, numbers[:_NAMED]))
    rest = "" if len(numbers) <= _NAMED else f" and {len(numbers) - _NAMED} more"
    return f"{'trial' if len(numbers) == 1 else 'trials'} {few}{rest}"
