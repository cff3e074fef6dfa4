"""What an earlier process left behind, made whole again before the study goes on.

The event log knows every epoch, Optuna's storage every trial, and a result.json how a trial ended;
everything else can be made from these (`hpo_torch.study.conclude` says why).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from optuna.trial import TrialState as OptunaState

from hpo_torch.protocol.events import (
    AttemptSettled,
    EpochFinished,
    StudyStarted,
    TrainingFinished,
    TrialEvent,
    TrialFinished,
    TrialRetried,
    TrialStarted,
)
from hpo_torch.protocol.spending import Spending
from hpo_torch.results.event_log import (
    LINE_KIND,
    LINE_TIME,
    LINE_TRIAL,
    parse_line,
    read_events,
    whole_lines,
)
from hpo_torch.results.records import TrialResult
from hpo_torch.results.worked_time import hear
from hpo_torch.study.conclude import drop_files, name_winner
from hpo_torch.study.elsewhere import place_elsewhere
from hpo_torch.study.journal_file import grouped_writes
from hpo_torch.study.patient_storage import database_of
from hpo_torch.study.strays import put_back
from hpo_torch.study.trial_marks import (
    ATTEMPTS,
    FAILURE_KIND,
    HYPERPARAMETERS,
    our_trials,
    reopen,
    unfinished_trials,
)
from hpo_torch.study.verdict import tell, trial_finished

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import optuna
    from optuna.trial import FrozenTrial

    from hpo_torch.protocol.events import AnyEvent, TrialState
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.plan import StudyPlan
    from hpo_torch.study.workplace import Workplace

STATES: dict[OptunaState, TrialState] = {
    OptunaState.COMPLETE: "complete",
    OptunaState.PRUNED: "pruned",
    OptunaState.FAIL: "failed",
}
# Read only where a trial has not ended: of a long search these are nearly all lines, of 7 KB each.
_READ_IF_UNFINISHED: Final = frozenset({b"epoch_finished", b"health_alert"})


@dataclass(slots=True)
class Recorded:
    """What the event log says of one trial.

    Attributes:
        epochs: Its finished epochs, each once, in order.
        accumulate: Parts of a batch in its last attempt.
        deaths_in_a_row: Workers that died since the last epoch.
        worker: Who trained it last; "" before any has begun to.
        device: On what.
        usage: Of rented hardware, by attempt, of those of which that is known; once the trial has
            ended, as the list of its end has them.
        ended: Attempts of whose end the worker told: there is nothing to be found of them.
    """

    epochs: list[EpochFinished] = field(default_factory=list)
    accumulate: int = 1
    deaths_in_a_row: int = 0
    worker: str = ""
    device: str = ""
    usage: dict[str, RemoteUsage] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def hear(self, event: TrialEvent) -> None:
        """Take in one of the trial's events."""
        if isinstance(event, EpochFinished):
            self.epochs.append(event)
            self.deaths_in_a_row = 0
        elif isinstance(event, TrialStarted):
            self.worker, self.device = event.worker, event.device
        elif isinstance(event, TrialFinished):
            self.usage = {str(number): usage for number, usage in enumerate(event.usage)}
        elif isinstance(event, TrainingFinished | TrialRetried | AttemptSettled):
            if event.usage is not None:
                self.usage[event.attempt] = event.usage
            if not isinstance(event, AttemptSettled):
                self._hear_end(event)

    def _hear_end(self, event: TrainingFinished | TrialRetried) -> None:
        if event.failure_kind != "backend":  # else its place was not heard of any more
            self.ended.add(event.attempt)
        if isinstance(event, TrialRetried):
            self.accumulate = event.accumulate
            self.deaths_in_a_row += event.failure_kind == "worker_died"


@dataclass(slots=True)
class History:
    """What the event log says of a run's earlier processes.

    Attributes:
        spans: When each of them worked on it: from its first event to its last.
        backends: Where each of them had trials run.
        devices: What trials trained on.
        announced: Trials whose end is in the log.
        trials: By number, those that have not ended.
        spending: What all of them cost.
    """

    spans: list[tuple[datetime, datetime]] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    announced: set[int] = field(default_factory=set)
    trials: dict[int, Recorded] = field(default_factory=dict)
    spending: Spending = field(default_factory=Spending)

    def hear(self, event: AnyEvent) -> None:
        """Take in an event, but for what `trials` keeps of it."""
        self.hear_time(event.time, begins=isinstance(event, StudyStarted))
        self.spending.hear(event)
        if isinstance(event, StudyStarted):
            self.backends.append(event.backend.partition(" ")[0])
        elif isinstance(event, TrialStarted):
            self.devices.add(event.device)
        elif isinstance(event, TrialFinished):
            self.announced.add(event.trial)

    def hear_time(self, time: str, *, begins: bool = False) -> None:
        """Take in when an event happened, and whether a process began its work with it."""
        hear(self.spans, datetime.fromisoformat(time), begins=begins)


def read_history(run: RunDirectory) -> History:
    """Read the event log; an empty history where there is none."""
    history, log = History(), run.events
    told: dict[int, list[tuple[int, bytes]]] = {}  # of each trial that has not ended, its lines
    for number, line in enumerate(whole_lines(log) if log.exists() else (), 1):
        kind, time, trial = (each.search(line) for each in (LINE_KIND, LINE_TIME, LINE_TRIAL))
        if kind and time and trial and kind[1] in _READ_IF_UNFINISHED:
            history.hear_time(time[1].decode())
            told.setdefault(int(trial[1]), []).append((number, line))
            continue
        event = parse_line(log, number, line)
        history.hear(event)
        if isinstance(event, TrialFinished):
            told.pop(event.trial, None)
        elif isinstance(event, TrialEvent):
            told.setdefault(event.trial, []).append((number, line))
    history.trials = {trial: _recorded(log, lines) for trial, lines in told.items()}
    return history


def _recorded(log: Path, lines: Iterable[tuple[int, bytes]]) -> Recorded:
    """Read what the log says of one trial, in the order in which it says it."""
    recorded = Recorded()
    for number, line in lines:
        event = parse_line(log, number, line)
        if isinstance(event, TrialEvent):
            recorded.hear(event)
    return recorded


def reject_unbegun(study: optuna.Study) -> None:
    """Close trials that were asked for and never begun, unless another engine may be at it."""
    if database_of(study) is not None:
        return
    for trial in study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,)):
        if HYPERPARAMETERS not in trial.user_attrs:
            put_back(study, trial.number)


def stored_results(study: optuna.Study, run: RunDirectory, plan: StudyPlan) -> list[TrialResult]:
    """Return every finished trial's result; one whose file is gone is made anew, and written.

    Of a study that engines share, they are those of this engine, and the leases say who finishes
    what is running.
    """
    results = {result.trial: result for result in run.read_trials()}
    shared = database_of(study) is not None
    gone = []
    for trial in our_trials(study):
        if place_elsewhere(trial, run) or (shared and not trial.state.is_finished()):
            results.pop(trial.number, None)
        elif trial.state.is_finished() and trial.number not in results:
            gone.append(trial)
    logged = _logged_trials(run) if gone else {}
    for trial in gone:
        result = _rebuild(trial, run, plan, logged.get(trial.number, Recorded()))
        run.write_trial(result)
        results[trial.number] = result
    return [results[number] for number in sorted(results)]


def complete_ends(place: Workplace, results: list[TrialResult], history: History) -> None:
    """Do for every trial that has a result what a process that died did not get to."""
    study, run = place.study, place.run
    by_number = {result.trial: result for result in results}
    for trial in unfinished_trials(study):
        if trial.number in by_number:
            with grouped_writes(study._storage):
                tell(study, reopen(study, trial), by_number[trial.number])
    best = place.standings.best
    if best is not None and not run.holds_best_model(best) and run.weights(best.trial).exists():
        name_winner(place, best)
    if results:
        # Of a study that engines share, the folder may have others' results too.
        run.write_table(results if database_of(study) is None else None)
    for result in results:
        if result.trial not in history.announced:
            event = trial_finished(result, best)
            place.announce(event)
            history.spending.hear(event)
            history.trials.pop(result.trial, None)
        drop_files(place, result.trial)


def _logged_trials(run: RunDirectory) -> dict[int, Recorded]:
    """Return what the event log says of every trial, ended or not."""
    trials: dict[int, Recorded] = {}
    for event in read_events(run.events) if run.events.exists() else []:
        if isinstance(event, TrialEvent):
            trials.setdefault(event.trial, Recorded()).hear(event)
    return trials


def _rebuild(
    trial: FrozenTrial, run: RunDirectory, plan: StudyPlan, logged: Recorded
) -> TrialResult:
    from hpo_torch.study.jobs import make_job

    attempts, epochs = trial.user_attrs[ATTEMPTS], logged.epochs
    job = make_job(plan, run, trial.number, trial.user_attrs)
    kind = trial.user_attrs.get(FAILURE_KIND)
    seconds = sum(e.metrics.seconds + e.metrics.health_seconds for e in epochs)
    return TrialResult(
        trial=trial.number,
        attempt=attempts[-1],
        # A diverged trial is told as complete, with the worst score.
        state="failed" if kind is not None else STATES[trial.state],
        score=trial.values[0] if trial.values else None,
        seed=job.seed,
        family=job.family,
        hyperparameters=job.hyperparameters,
        measurements=epochs[-1].so_far if epochs else None,
        epochs=[event.metrics for event in epochs],
        failure_kind=kind,
        message="its result.json was gone, and was made anew from the event log",
        attempts=len(attempts),
        started=_started(trial),
        seconds=seconds,
        worker=logged.worker,
        device=logged.device,
        usage=list(logged.usage.values()),
    )


def _started(trial: FrozenTrial) -> str:
    moment = trial.datetime_start or datetime.now()
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
