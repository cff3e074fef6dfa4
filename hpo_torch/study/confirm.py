"""`search.confirm`: the best trials are trained again on fresh seeds before the winner is named."""

from __future__ import annotations

import filecmp
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo_torch.results.best_model_readme import weights_of
from hpo_torch.results.confirmation import (
    confirmation_dir,
    leaders,
    read_confirmation,
    saved_result,
    write_confirmation,
)
from hpo_torch.results.records import KeyFigures
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.confirmation import Repeats, confirm, confirmed_entry, story
from hpo_torch.study.references import read_references
from hpo_torch.study.repetitions import Repeating, Repetition, repeat
from hpo_torch.study.seeds import fresh_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pluggy

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.results.records import TrialResult
    from hpo_torch.study.audience import Audience
    from hpo_torch.study.deadlines import Deadlines
    from hpo_torch.study.repetitions import Repeated
    from hpo_torch.study.workplace import Workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirming:
    """What a search lends to the confirmation at its end.

    Attributes:
        place: The search's.
        backend: Its backend, started, and in words.
        deadlines: Its time limits, which go on running.
        audience: Who is told.
        hooks: Observers of plugins.
    """

    place: Workplace
    backend: ExecutionBackend
    backend_words: str
    deadlines: Deadlines
    audience: Audience
    hooks: pluggy.HookRelay


def confirm_winner(task: Confirming) -> Repeated | None:
    """Train the best trials again, and name the winner by that.

    confirmation.json, best_model/ and best_hyperparameters.yaml follow. What earlier processes
    trained for it is not trained again.

    Returns:
        What was trained, all of it or not; None where no trial has completed.

    Raises:
        OutputError: The folder cannot be written; what is there stays, for going on.
    """
    place = task.place
    search = place.plan.config.search
    chosen = leaders(place.run.read_trials(), search.confirm)
    if not chosen:
        return None
    wanted = {
        trial.trial: [
            _repetition(trial, fresh_seed(search.seed, trial.trial, number))
            for number in range(1, search.confirm_seeds + 1)
        ]
        for trial in chosen
    }
    task.audience.note(_plan_text(chosen, search.confirm_seeds))
    repeated = _train(task, [each for several in wanted.values() for each in several])
    if not repeated.complete:
        return repeated
    confirmation = confirm(
        [
            Repeats(
                trial, [repeated.results[each.trial, each.seed] for each in wanted[trial.trial]]
            )
            for trial in chosen
        ],
        search.confirm_seeds,
    )
    if confirmation != read_confirmation(place.run.path):  # else it is followed already
        write_confirmation(place.run.path, confirmation)
        follow_confirmation(place)
    return repeated


def _repetition(trial: TrialResult, seed: int) -> Repetition:
    return Repetition(
        trial=trial.trial,
        seed=seed,
        hyperparameters=trial.hyperparameters,
        accumulate=trial.accumulate,
    )


def _plan_text(chosen: Sequence[TrialResult], seeds: int) -> str:
    names = ", ".join(str(trial.trial) for trial in chosen)
    trials = "trial" if len(chosen) == 1 else f"best {len(chosen)} trials, in this order:"
    return f"confirming the {trials} {names} ({seeds} fresh seeds each)"


def _train(task: Confirming, wanted: Sequence[Repetition]) -> Repeated:
    place = task.place
    repeating = Repeating(
        plan=place.plan,
        references=read_references(place.study),
        run=RunDirectory(confirmation_dir(place.run.path)),
        wanted=wanted,
        purpose="confirmation",
        backend=task.backend_words,
    )
    return repeat(repeating, task.backend, task.deadlines, task.audience, task.hooks)


def follow_confirmation(place: Workplace) -> None:
    """Make what confirmation.json says the run's best model, where it says something.

    A process that died may have written only that; what is there already is left alone, and so is
    the test report of the same weights: the test set is met once. Where somebody has removed the
    repetition's weights, best_model/ stays as it is.
    """
    run = place.run
    confirmation = read_confirmation(run.path)
    if confirmation is None or confirmation.saved is None:
        return
    saved = saved_result(run.path, confirmation)
    run.write_best(saved, place.plan.config, confirmed_entry(confirmation, saved.trial))
    weights = RunDirectory(confirmation_dir(run.path)).weights(confirmation.saved)
    told = story(confirmation, saved, weights_of(saved))
    kept = run.best_checkpoint.exists() and run.holds_best_model(saved, told)
    if not weights.exists():
        if not kept:
            place.warn(
                f"the confirmed winner's weights are gone: {weights}; best_model/ stays as it is, "
                f"with other weights. To train them again: hpo-torch retrain {run.path} "
                f"--trial {saved.trial} --seed {saved.seed}"
            )
    elif not (kept and filecmp.cmp(weights, run.best_checkpoint, shallow=False)):
        run.keep_best_model(saved, weights, told)


def confirmed_figures(run: RunDirectory) -> dict[str, Any]:
    """Return what a confirmation changes in a run's summary; nothing where there is none."""
    confirmation = read_confirmation(run.path)
    if confirmation is None:
        return {}
    figures: dict[str, Any] = {"confirmation": confirmation}
    saved = saved_result(run.path, confirmation) if confirmation.saved is not None else None
    if saved is not None and saved.measurements is not None:
        figures |= {
            "best_trial": saved.trial,
            "best_score": saved.score,
            "best": KeyFigures.of(saved.measurements),
        }
    return figures
