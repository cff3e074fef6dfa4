"""A trial's end, written in an order from which every crash can be recovered.

    1  the lease      whose trial it is; not ours any more: nothing is written. Where engines share
                      the study, the result is left for them, which they read once Optuna is told
    2  result.json    from now on the trial has ended, whatever happens
    3  Optuna         told what result.json says
    4  best_model/    a copy of the leader's weights, if another trial leads now
    5  trials.csv
    6  events.jsonl   trial_finished
    7  model.ckpt and training_state.ckpt of the trial are removed

Where objective and health are two, 7 leaves model.ckpt of a trial on the front alone, and removes
those of trials that fell off it: the next leader, which may be an earlier trial, is always among
those that are left.

A process that dies before 2 leaves a running trial: the next one goes on with it, from the
training's state, which 7 removes. One that dies after 2 leaves a result.json: the next one does
what is missing of 3 to 7, each of which may be done twice (`hpo_torch.study.recovery`). As a
trial's weights outlive the copy, best_model/ always holds, or can be given, the best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.exceptions import UpdateFinishedTrialError

from hpo_torch.results.confirmation import drop_confirmation
from hpo_torch.study.elsewhere import publish
from hpo_torch.study.journal_file import grouped_writes
from hpo_torch.study.verdict import judge, tell, trial_finished, trial_result

if TYPE_CHECKING:
    from hpo_torch.protocol.events import TrainingFinished
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.leases import Leases
    from hpo_torch.study.live import LiveTrial
    from hpo_torch.study.scoring import Scorer
    from hpo_torch.study.workplace import Workplace


def conclude(
    place: Workplace,
    leases: Leases,
    scorer: Scorer,
    live: LiveTrial,
    finished: TrainingFinished,
    seconds: float,
) -> bool:
    """Decide how a trial ended, and write it; False where another engine has taken it over."""
    completed = not live.decided and finished.outcome == "completed"
    measured = finished.measurements
    score = scorer.final(measured) if completed and measured is not None else None
    verdict = judge(live, finished, score)
    if not leases.finish(live.job.trial, verdict.state):
        return False
    result = trial_result(live, finished, verdict, seconds)
    try:
        publish(place.study, live.handle, result)
    except UpdateFinishedTrialError:  # who told Optuna has the trial, whatever the leases say
        return False
    place.run.write_trial(result)
    # Not waited for: result.json is on disk, and Optuna is told again if this is lost.
    with grouped_writes(place.study._storage, durable=False):
        tell(place.study, live.handle, result)
    before = place.standings.best
    fallen = place.standings.add(result)
    leader = place.standings.best
    if leader is not None and leader is not before:
        name_winner(place, leader)
    place.run.add_to_table(result)
    place.announce(trial_finished(result, leader))
    for trial in (result.trial, *sorted(fallen)):
        drop_files(place, trial)
    return True


def name_winner(place: Workplace, result: TrialResult) -> None:
    """Copy the leader's weights, the very ones that scored, to where they are looked for.

    A winner that was confirmed earlier gives way: a better trial was found since.
    """
    if place.keeps == "all":
        return
    drop_confirmation(place.run.path)
    place.run.write_best(result, place.plan.config)
    place.run.keep_best_model(result)


def drop_files(place: Workplace, trial: int) -> None:
    """Remove what the training of a trial that has ended left, and nobody needs any more."""
    keep = place.keeps == "all" or trial in place.standings.front
    place.run.drop_checkpoints(trial, keep_weights=keep)


def write_traceback(run: RunDirectory, live: LiveTrial, finished: TrainingFinished) -> None:
    """Keep what a failed attempt said, below what earlier ones did."""
    if finished.outcome == "failed" and finished.traceback:
        run.add_traceback(live.job.trial, finished.attempt, len(live.attempts), finished.traceback)
