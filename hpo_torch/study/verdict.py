"""How a trial ended: decided from both sides' words, told to Optuna, and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna.trial import TrialState as OptunaState

from hpo_torch.protocol.events import FailureKind, TrialFinished, TrialRetried, TrialState
from hpo_torch.results.records import TrialResult
from hpo_torch.search.modes import WORST_SCORE, health_value
from hpo_torch.study.epoch_values import has_two_objectives
from hpo_torch.study.trial_marks import FAILURE_KIND

if TYPE_CHECKING:
    import optuna

    from hpo_torch.protocol.events import TrainingFinished
    from hpo_torch.study.live import LiveTrial
    from hpo_torch.study.retry_policy import Retry

UNMEASURED = "the objective could not be measured; the score is the worst, 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a trial ended.

    Attributes:
        state: "complete", "pruned" or "failed".
        score: 0..1; the finite worst, 0, of a diverged trial; None of other failures.
        failure_kind: Why it failed; None where it did not.
        message: The reason in words.
    """

    state: TrialState
    score: float | None
    failure_kind: FailureKind | None = None
    message: str = ""


def judge(live: LiveTrial, finished: TrainingFinished, score: float | None) -> Verdict:
    """Decide a trial's state from what the study decided and what its backend said.

    Args:
        live: The trial as the study saw it.
        finished: The backend's last word.
        score: The objective of `finished.measurements`; None where it is undefined.
    """
    if live.pruned:
        return Verdict(state="pruned", score=live.score)
    if live.stop_reason:
        return Verdict(
            state="failed", score=None, failure_kind=live.stop_reason, message=live.message
        )
    if finished.outcome == "failed":
        return Verdict(
            state="failed",
            score=WORST_SCORE if finished.failure_kind == "diverged" else None,
            failure_kind=finished.failure_kind,
            message=finished.message,
        )
    if finished.outcome == "stopped":
        return Verdict(
            state="failed",
            score=None,
            failure_kind="backend",
            message="stopped by its backend, which nobody had asked to",
        )
    if score is None:
        message = "; ".join(filter(None, (finished.message, UNMEASURED)))
        return Verdict(state="complete", score=WORST_SCORE, message=message)
    return Verdict(state="complete", score=score, message=finished.message)


def tell(study: optuna.Study, handle: optuna.Trial, result: TrialResult) -> None:
    """Tell Optuna how a trial ended.

    A diverged trial is told as complete with the worst score, so that the sampler learns from it:
    Optuna drops failed trials, and NaN, from its history. Where health is a second objective, a
    diverged trial has the worst of that too.
    """
    if result.failure_kind is not None:
        handle.set_user_attr(FAILURE_KIND, result.failure_kind)
    if result.state == "pruned":
        study.tell(handle, state=OptunaState.PRUNED)
    elif result.score is None:
        study.tell(handle, state=OptunaState.FAIL)
    elif has_two_objectives(study):
        health = health_value(result.measurements) if result.state == "complete" else WORST_SCORE
        study.tell(handle, [result.score, health])
    else:
        study.tell(handle, result.score)


def trial_result(
    live: LiveTrial, finished: TrainingFinished, verdict: Verdict, seconds: float
) -> TrialResult:
    """Put together what trials/NNNN/result.json holds."""
    job = live.job
    return TrialResult(
        trial=job.trial,
        attempt=job.attempt,
        state=verdict.state,
        score=verdict.score,
        seed=job.seed,
        family=job.family,
        hyperparameters=job.hyperparameters,
        measurements=live.so_far if live.decided else finished.measurements or live.so_far,
        kept_epoch=finished.kept_epoch if verdict.state == "complete" else None,
        epochs=live.epochs,
        failure_kind=verdict.failure_kind,
        message=verdict.message,
        attempts=len(live.attempts),
        accumulate=job.accumulate,
        started=live.started,
        seconds=seconds,
        worker=live.worker,
        device=live.device,
        usage=live.usages,
    )


def trial_finished(result: TrialResult, leader: TrialResult | None) -> TrialFinished:
    """Put together the event that says how a trial ended, and who leads now."""
    return TrialFinished(
        trial=result.trial,
        attempt=result.attempt,
        state=result.state,
        score=result.score,
        best=leader is not None and leader.trial == result.trial,
        leader=None if leader is None else leader.trial,
        epochs_run=len(result.epochs),
        seconds=result.seconds,
        failure_kind=result.failure_kind,
        message=result.message,
        measurements=result.measurements,
        usage=result.usage,
    )


def trial_retried(
    live: LiveTrial, finished: TrainingFinished, kind: FailureKind, retry: Retry, attempt: str
) -> TrialRetried:
    """Put together the event that says that another attempt takes over, and how it differs."""
    return TrialRetried(
        trial=live.job.trial,
        attempt=finished.attempt,
        failure_kind=kind,
        message=finished.message,
        next_attempt=attempt,
        accumulate=retry.accumulate,
        usage=finished.usage,
    )
