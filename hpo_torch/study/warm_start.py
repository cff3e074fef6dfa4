"""Warm start: an earlier run's trials become known to the new study's sampler and pruner.

A trial is used only if it could have been one of this study: each of its hyperparameters is among
what is searched here, or equals what is fixed. Its score is computed anew from its measurements.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import Field

from hpo_torch.errors import InvalidValueError, UsageError
from hpo_torch.health.score import overall_health
from hpo_torch.protocol.events import EpochFinished
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView
from hpo_torch.search.modes import WORST_SCORE, health_value, optimises_two
from hpo_torch.search.modes import score as mode_score
from hpo_torch.search.objectives import References
from hpo_torch.study.epoch_values import attribute
from hpo_torch.study.references import adopt_references
from hpo_torch.study.replay import MisfitError, Replay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import optuna

    from hpo_torch.config.schema import DataSettings, RunConfig
    from hpo_torch.protocol.measurements import Measurements
    from hpo_torch.results.records import TrialResult
    from hpo_torch.search.domains import Value
    from hpo_torch.search.objectives import Objective
    from hpo_torch.search.space import SearchSpace

WARM_START_ATTRIBUTE: Final = "warm_start"
"""User attribute of a trial that was trained elsewhere: the name of the run it comes from.

Such trials keep their place in Optuna's numbering, so the first trial trained here may have number
17. They count for nothing else: not towards --trials, not as duplicates, never as the winner.
"""

ORIGINAL_TRIAL_ATTRIBUTE: Final = "warm_start_trial"

SETTING = "search.warm_start"
# What makes two settings of data the same examples, in the same roles.
_SAME_DATA: Final = ("dataset", "path", "text_column", "label_column", "image_size")


class LeftOut(Frozen):
    """A trial of the earlier run that is not used."""

    trial: int = Field(description="its number in the earlier run")
    reason: str


class WarmStartReport(Frozen):
    """What of an earlier run was used: warm_start.json.

    Attributes:
        run: Name of the earlier run.
        added: By number in the earlier run, number in this study.
        hyperparameters: Names of what was mapped, each onto the one of the same name.
        left_out: The trials that were not used, and why.
        references: Costs of the earlier run's first trial, which relative objectives are scored by
            in this run too; by name, empty for other objectives.
    """

    run: str
    added: dict[int, int]
    hyperparameters: list[str]
    left_out: list[LeftOut]
    references: dict[str, float] = Field(default_factory=dict)

    def lines(self) -> list[str]:
        """Say it in lines for people."""
        total = len(self.added) + len(self.left_out)
        lines = [f"warm start: {len(self.added)} of {total} trials of {self.run} are used"]
        reasons = Counter(left.reason for left in self.left_out)
        lines += [f"warm start: {count} left out: {reason}" for reason, count in reasons.items()]
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """An earlier run's trials, mapped onto a study that is not created yet.

    Attributes:
        run: Name of the earlier run.
        trials: Optuna's trials by number in the earlier run.
        left_out: The others.
        references: What costs are relative to; empty unless the objective is relative.
    """

    run: str
    trials: dict[int, FrozenTrial]
    left_out: tuple[LeftOut, ...]
    references: References


def warm_start(study: optuna.Study, earlier: WarmStart) -> WarmStartReport:
    """Add the trials of `plan.warm_start` to a new study, and say what was added.

    Everything was checked before (`map_run`). Call it before `enqueue`: trials that wait in the
    queue are numbered where they are put there.
    """
    first = len(study.get_trials(deepcopy=False))
    study.add_trials(earlier.trials.values())
    if earlier.references != References():
        adopt_references(study, earlier.references)
    names = dict.fromkeys(name for trial in earlier.trials.values() for name in trial.params)
    return WarmStartReport(
        run=earlier.run,
        added={number: first + index for index, number in enumerate(earlier.trials)},
        hyperparameters=list(names),
        left_out=list(earlier.left_out),
        references=earlier.references.model_dump(exclude_none=True),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The study that earlier trials are mapped onto.

    Attributes:
        config: Its settings.
        space: What it searches.
        fixed: What it does not.
        objective: What it optimises.
        weights: Weight in overall_health by metric name.
    """

    config: RunConfig
    space: SearchSpace
    fixed: Mapping[str, Value]
    objective: Objective
    weights: Mapping[str, float]


def map_run(path: Path, target: Target) -> WarmStart:
    """Map an earlier run's trials onto a study.

    Args:
        path: The earlier run's folder.
        target: The study.

    Raises:
        UnknownNameError: There is no such folder; the message lists the runs beside it.
        OutputError: The folder is no run, or damaged.
        InvalidValueError: The run is of other data, or of another model family.
        UsageError: None of its trials fits; the message says why.
    """
    view = RunView.open(path)
    _check_same_data(view.config.data, target.config.data)
    references = _references(view) if target.objective.relative else References()
    epochs = _epochs(view)
    trials: dict[int, FrozenTrial] = {}
    left_out: list[LeftOut] = []
    scorer = _Scorer(target, references)
    for result in view.trials:
        try:
            trials[result.trial] = _map_trial(result, epochs, scorer, view.name)
        except MisfitError as error:
            left_out.append(LeftOut(trial=result.trial, reason=str(error)))
    if not trials:
        reasons = "; ".join(dict.fromkeys(left.reason for left in left_out)) or "it has none"
        raise UsageError(
            f"{SETTING}: none of the {len(left_out)} finished trials of {path} fits this search: "
            f"{reasons}. Search the same space, or leave the warm start out."
        )
    return WarmStart(run=view.name, trials=trials, left_out=tuple(left_out), references=references)


@dataclass(frozen=True, slots=True)
class _Scorer:
    """Scores an earlier trial's measurements as the new study does its own."""

    target: Target
    references: References

    def values(self, measurements: Measurements) -> tuple[float, float] | None:
        """Return score and health, both 0..1; None where the score was not measured."""
        search, health = self.target.config.search, self.target.config.health
        overall = overall_health(
            measurements.health,
            self.target.weights,
            measurements.skill,
            health.combine,
            health.missing,
        )
        weighed = measurements.model_copy(update={"overall_health": overall})
        score = mode_score(
            weighed,
            mode=search.mode,
            objective=search.optimize_for,
            health_weight=search.health_weight,
            references=self.references,
        )
        return None if score is None else (score, health_value(weighed))


def _map_trial(
    result: TrialResult, epochs: Mapping[int, dict[int, Measurements]], scorer: _Scorer, run: str
) -> FrozenTrial:
    """Turn a trial's record into Optuna's; raises MisfitError where it is none of this study."""
    replay = _replay(result, scorer.target)
    logged = epochs.get(result.trial, {})
    known = {epoch: scorer.values(so_far) for epoch, so_far in logged.items()}
    steps = {epoch: values for epoch, values in known.items() if values is not None}
    if result.failure_kind == "diverged":  # as the study scores its own
        value: tuple[float, float] | None = (WORST_SCORE, WORST_SCORE)
    elif result.state == "failed":
        raise MisfitError(f"failed ({result.failure_kind})")
    elif result.state == "pruned":
        value = steps[max(steps)] if steps else None
    else:
        value = scorer.values(result.measurements) if result.measurements else None
    if value is None:
        raise MisfitError(f"{scorer.target.config.search.optimize_for} was not measured")
    pruned = result.state == "pruned"
    marks: dict[str, Any] = {WARM_START_ATTRIBUTE: run, ORIGINAL_TRIAL_ATTRIBUTE: result.trial}
    if optimises_two(scorer.target.config.search):
        told: dict[str, Any] = {"values": None if pruned else value}
        marks |= {attribute(epoch): list(pair) for epoch, pair in steps.items()}
    else:
        told = {"value": value[0]}
        told["intermediate_values"] = {epoch: score for epoch, (score, _) in steps.items()}
    return create_trial(
        state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
        params=dict(replay.params),
        distributions=replay.distributions,
        user_attrs=marks,
        **told,
    )


def _replay(result: TrialResult, target: Target) -> Replay:
    space, fixed = target.space, target.fixed
    if result.family != space.family:
        raise MisfitError(f"is of family {result.family}")
    given = result.hyperparameters
    replay = Replay(given)
    sampled = space.sample(replay, fixed)
    for name, value in sampled.items():
        if name not in given:
            raise MisfitError(f"{name} has no value")
        if given[name] != value:  # neither suggested nor equal: fixed, or all that is possible
            raise MisfitError(f"{name} is {value} here")
    if unknown := sorted(given.keys() - sampled.keys()):
        raise MisfitError(f"{unknown[0]} is none of its hyperparameters here")
    return replay


def _check_same_data(earlier: DataSettings, now: DataSettings) -> None:
    for name in _SAME_DATA:
        before, wanted = getattr(earlier, name), getattr(now, name)
        if before != wanted:
            raise InvalidValueError(
                SETTING, f"a run whose data.{name} is {wanted!r}, as this one's", before
            )


def _references(view: RunView) -> References:
    """Return the costs of the earlier run's completed trial of the lowest number."""
    for trial in view.trials:
        if trial.state == "complete" and trial.measurements is not None:
            return References.of(trial.measurements)
    raise UsageError(f"{SETTING}: no trial of {view.name} completed: costs have no reference")


def _epochs(view: RunView) -> dict[int, dict[int, Measurements]]:
    """Read what was measured after each epoch of each trial."""
    epochs: dict[int, dict[int, Measurements]] = {}
    for event in read_events(view.directory.events):
        if isinstance(event, EpochFinished):
            epochs.setdefault(event.trial, {})[event.metrics.epoch] = event.so_far
    return epochs
