"""The end of a study: the winner meets the test set once, and the run's files are completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.environment import describe_environment, package_versions
from hpo_torch.results.records import KeyFigures, RunSummary, TestReport, read_record
from hpo_torch.results.scored_winner import is_scored
from hpo_torch.study.importance import parameter_importance
from hpo_torch.study.references import read_references
from hpo_torch.study.trial_marks import count_rejected, unfinished_trials

if TYPE_CHECKING:
    import optuna

    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.plan import StudyPlan
    from hpo_torch.study.standings import Standings


def score_winner(plan: StudyPlan, run: RunDirectory) -> TestReport | None:
    """Score best_model/ on the official test set; store the report, and what pictures need.

    A study that was resumed, and whose winner is the same, is not scored again if all is there.

    Returns:
        None where no trial completed.
    """
    if not run.best_checkpoint.exists():
        return None
    if is_scored(run):
        return read_record(run.test_report, TestReport)
    from hpo_torch.training.examine import examine_checkpoint

    config = plan.config
    scored = examine_checkpoint(
        run.best_checkpoint, config.data, config.search.seed, config.execution.device
    )
    scored.write(run)
    return scored.report


def summarise(  # noqa: PLR0913 - a summary needs everything once
    plan: StudyPlan,
    study: optuna.Study,
    standings: Standings,
    *,
    run: str,
    backend: str,
    reason: str,
    seconds: float,
) -> RunSummary:
    """Put together summary.json, but for what the winner's test will say."""
    best = standings.best
    search = plan.config.search
    references = read_references(study).model_dump()
    return RunSummary(
        run=run,
        dataset=plan.dataset.name,
        mode=search.mode,
        objective=search.optimize_for,
        health_weight=search.health_weight if search.mode == "health" else None,
        seed=search.seed,
        backend=backend,
        counts=dict(standings.counts),
        unfinished=len(unfinished_trials(study)),
        rejected=count_rejected(study),
        best_trial=best.trial if best else None,
        best_score=best.score if best else None,
        best=KeyFigures.of(best.measurements) if best and best.measurements else None,
        test_accuracy=None,
        parameter_importance=parameter_importance(study),
        references={name: value for name, value in references.items() if value is not None},
        seconds=seconds,
        reason=reason,
        versions=package_versions(),
    )


def write_environment(run: RunDirectory, devices: set[str]) -> None:
    """Write environment.json with the devices that trials trained on."""
    run.write_environment(describe_environment(sorted(devices)))
