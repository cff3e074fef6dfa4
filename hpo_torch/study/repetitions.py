"""Training known configurations again, by the study's own loop: a study that asks nobody.

It has a folder, a log and a storage like any study, so that it survives what a search survives;
its trials are a list instead of a sampler's proposals, and none is pruned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna

from hpo_torch.protocol.events import StudyFinished, StudyStarted
from hpo_torch.results.event_log import EventLog
from hpo_torch.study.announce import Announcer
from hpo_torch.study.jobs import new_attempt
from hpo_torch.study.journal_file import grouped_writes
from hpo_torch.study.proposals import Proposal
from hpo_torch.study.recovery import (
    complete_ends,
    read_history,
    reject_unbegun,
    stored_results,
)
from hpo_torch.study.references import adopt_references
from hpo_torch.study.run_study import ALL_DONE, StudyRunner
from hpo_torch.study.single_engine import SingleEngineLeases
from hpo_torch.study.standings import Standings
from hpo_torch.study.storage import open_storage
from hpo_torch.study.trial_marks import ATTEMPTS, HYPERPARAMETERS, REPEATS, our_trials
from hpo_torch.study.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pluggy

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.protocol.events import Purpose
    from hpo_torch.protocol.usage import Cost
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.search.objectives import References
    from hpo_torch.study.audience import Audience
    from hpo_torch.study.deadlines import Deadlines
    from hpo_torch.study.plan import StudyPlan

STUDY_NAME = "repetitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """A trial to train again.

    Attributes:
        trial: Its number in the search.
        seed: Of this training.
        hyperparameters: Every one by name, as it was trained, or changed.
        accumulate: Parts that its batches are split into.
    """

    trial: int
    seed: int
    hyperparameters: dict[str, Any]
    accumulate: int = 1

    @property
    def mark(self) -> dict[str, int]:
        """What is written on Optuna's trial, by which the repetition is found again."""
        return {"trial": self.trial, "seed": self.seed, "accumulate": self.accumulate}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeating:
    """What to train again, and how.

    Attributes:
        plan: The search's; its objective scores the repetitions.
        references: The search's.
        run: Where the repetitions go: new, or left by an earlier process.
        wanted: In this order. What else an earlier process began is brought to its end too.
        purpose: Why.
        backend: The backend in words.
    """

    plan: StudyPlan
    references: References
    run: RunDirectory
    wanted: Sequence[Repetition]
    purpose: Purpose
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What came of it.

    Attributes:
        reason: Why no more was trained.
        results: By repetition's mark (trial, seed), those that have ended.
        devices: What they trained on.
        cost: What they cost, those of earlier processes included; None of own hardware.
        complete: Whether every wanted repetition has ended.
    """

    reason: str
    results: dict[tuple[int, int], TrialResult]
    devices: set[str]
    complete: bool
    cost: Cost | None = None


class _List:
    """Proposes what is on a list, in the place of a sampler."""

    def __init__(self, study: optuna.Study, wanted: Sequence[Repetition]) -> None:
        self._study, self._left = study, list(wanted)
        self.reason = ALL_DONE

    def propose(self) -> Proposal | None:
        """Return the next; None after the last."""
        if not self._left:
            return None
        next_one = self._left.pop(0)
        with grouped_writes(self._study._storage):
            handle = self._study.ask()
            handle.set_user_attr(HYPERPARAMETERS, next_one.hyperparameters)
            handle.set_user_attr(REPEATS, next_one.mark)
            attempt = new_attempt()
            handle.set_user_attr(ATTEMPTS, [attempt])
        return Proposal(handle=handle, attempt=attempt)


def repeat(
    task: Repeating,
    backend: ExecutionBackend,
    deadlines: Deadlines,
    audience: Audience,
    hooks: pluggy.HookRelay,
) -> Repeated:
    """Train what is left of the wanted repetitions; for who holds the run's lock.

    Args:
        task: What to train.
        backend: Where, started; it stays open.
        deadlines: Time limits; of the whole search, where this is part of one.
        audience: Who is told.
        hooks: Observers of plugins.

    Raises:
        OutputError: The folder cannot be written; what is there stays, for going on.
    """
    run = task.run
    run.drop_leftovers()
    history = read_history(run)
    with EventLog(run.events) as log:
        announce = Announcer(log, audience.listeners, hooks, audience.warn)
        study = _open_study(task)
        reject_unbegun(study)
        results = stored_results(study, run, task.plan)
        place = Workplace(
            plan=task.plan,
            study=study,
            run=run,
            announce=announce,
            standings=Standings(task.plan.config.search, results),
            warn=audience.warn,
            keeps="all",
        )
        begun = [trial.user_attrs[REPEATS] for trial in our_trials(study)]
        missing = [each for each in task.wanted if each.mark not in begun]
        announce(_started(task, len(begun) + len(missing), len(results)))
        complete_ends(place, results, history)
        leases = SingleEngineLeases(study, len(begun) + len(missing))
        proposer = _List(study, missing)
        runner = StudyRunner(place, leases, proposer, backend, deadlines, history)
        runner.run()
        announce(_finished(place.standings, runner))
    results_by_mark = _by_mark(study, run)
    return Repeated(
        reason=runner.reason,
        results=results_by_mark,
        devices=runner.devices,
        cost=runner.cost,
        complete=all((each.trial, each.seed) in results_by_mark for each in task.wanted),
    )


def _open_study(task: Repeating) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the log says what happens
    storage = open_storage(task.run)
    with grouped_writes(storage):
        study = optuna.create_study(
            storage=storage,
            study_name=STUDY_NAME,
            direction="maximize",
            sampler=optuna.samplers.RandomSampler(),  # is never asked for a value
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        adopt_references(study, task.references)
    return study


def _by_mark(study: optuna.Study, run: RunDirectory) -> dict[tuple[int, int], TrialResult]:
    marks = {trial.number: trial.user_attrs[REPEATS] for trial in our_trials(study)}
    return {
        (marks[result.trial]["trial"], marks[result.trial]["seed"]): result
        for result in run.read_trials()
    }


def _started(task: Repeating, trials: int, finished: int) -> StudyStarted:
    search = task.plan.config.search
    return StudyStarted(
        run=str(task.run.path),
        dataset=task.plan.dataset.name,
        mode=search.mode,
        objective=search.optimize_for,
        trials=trials,
        backend=task.backend,
        finished=finished,
        purpose=task.purpose,
    )


def _finished(standings: Standings, runner: StudyRunner) -> StudyFinished:
    best = standings.best
    return StudyFinished(
        reason=runner.reason,
        completed=standings.counts["complete"],
        pruned=standings.counts["pruned"],
        failed=standings.counts["failed"],
        best_trial=best.trial if best else None,
        best_score=best.score if best else None,
        test_accuracy=None,
        cost=runner.cost,
    )
