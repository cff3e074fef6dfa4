"""A trial that another process began, as this one goes on with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hpo_torch.study.elsewhere import claim, fetch_state
from hpo_torch.study.epoch_values import reported_epochs
from hpo_torch.study.jobs import make_job
from hpo_torch.study.live import LiveTrial
from hpo_torch.study.trial_marks import ATTEMPTS, reopen

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hpo_torch.study.proposals import Proposal
    from hpo_torch.study.recovery import Recorded
    from hpo_torch.study.workplace import Workplace


def begin(place: Workplace, proposal: Proposal) -> LiveTrial:
    """Make a new trial of a proposal."""
    number = proposal.handle.number
    claim(place.study, proposal.handle, place.run)
    job = make_job(place.plan, place.run, number, proposal.handle.user_attrs)
    return LiveTrial(proposal.handle, job, [proposal.attempt], _text(datetime.now(UTC)))


def go_on(place: Workplace, trial: FrozenTrial, recorded: Recorded) -> LiveTrial:
    """Make a live trial of a running one: its epochs as logged, its job as last submitted.

    An epoch that was logged and not reported to Optuna is reported: the log comes first.
    """
    fetch_state(trial, place.run)
    attempts = list(trial.user_attrs[ATTEMPTS])
    job = make_job(place.plan, place.run, trial.number, trial.user_attrs)
    started = _text((trial.datetime_start or datetime.now()).astimezone(UTC))
    live = LiveTrial(
        reopen(place.study, trial),
        job.model_copy(
            update={
                "accumulate": max(job.accumulate, recorded.accumulate),
                "known_epochs": len(recorded.epochs),
            }
        ),
        attempts,
        started,
    )
    claim(place.study, live.handle, place.run)
    live.reported = reported_epochs(trial)
    for event in recorded.epochs:
        live.add(event, event.score)
        live.report(event.metrics.epoch)
    live.deaths_in_a_row = recorded.deaths_in_a_row
    live.worker, live.device = recorded.worker, recorded.device
    live.usage = dict(recorded.usage)
    return live


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
