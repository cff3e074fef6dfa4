"""`hpo-torch retrain`: one trial of a run is trained again, here and now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hpo_torch.config.load import Layer, file_layer, resolve_config
from hpo_torch.execution.backend import RunSite
from hpo_torch.protocol.events import TrialEvent
from hpo_torch.results.comparison import Circumstances, compare
from hpo_torch.results.environment import describe_environment
from hpo_torch.results.retrained_folder import RetrainedFolder
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.summary import RunView
from hpo_torch.study.deadlines import Deadlines
from hpo_torch.study.earlier_trial import (
    circumstances_of,
    find_trial,
    last_start,
    references_of,
    weights_of_training,
)
from hpo_torch.study.optimize import prepare
from hpo_torch.study.repetitions import Repeating, Repetition, repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.comparison import Comparison
    from hpo_torch.results.records import TestReport, TrialResult
    from hpo_torch.study.audience import Audience
    from hpo_torch.study.repetitions import Repeated


# One training, in full: what is about choosing, judging and limiting trials does not apply, and
# files that only a search reads may be gone.
_ONE_TRAINING: dict[str, Any] = {
    "search.trials": 1,
    "search.confirm": 0,
    "search.enqueue": None,
    "search.warm_start": None,
    "search.timeout": None,
    "search.trial_timeout": None,
    "search.sampler": "random",
    "search.sampler_options": {},
    "search.pruner": "none",
    "search.pruner_options": {},
    "execution.jobs": 1,
    "execution.oversubscribe": False,
    "execution.storage": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which trial, and what is to be different.

    Attributes:
        trial: Its number.
        seed: Instead of the trial's own.
        epochs: Instead of the trial's own.
        root: Folder in which the new one is made; `retrained` in the run's by default.
        name: The new one's name; trial, seed and epochs by default.
        settings: Settings of this machine, by dotted name: device, where the data are.
        score_test: Whether to score the model on the official test set.
    """

    trial: int
    seed: int | None = None
    epochs: int | None = None
    root: Path | None = None
    name: str | None = None
    settings: Mapping[str, Any]
    score_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """What came of it.

    Attributes:
        folder: Where it lies.
        reason: Why it was not trained to its end; "" where it was.
        result: How the repetition ended; None where it has not.
        comparison: With the trial; None where it has not ended.
        report: On the test set; None where that was not asked for, or there is no model.
    """

    folder: Path
    reason: str = ""
    result: TrialResult | None = None
    comparison: Comparison | None = None
    report: TestReport | None = None


def retrain(path: Path, wanted: Wanted, registry: Registry, audience: Audience) -> Retrained:
    """Train one trial of a run again: same data, split and hyperparameters; same seed by default.

    Whatever became of the trial, its repetition is trained to the end. One that was killed goes on
    when it is asked for again. The run itself is not changed, nor is its lock taken: it may go on.

    Args:
        path: The run's folder.
        wanted: Which trial.
        registry: What is installed.
        audience: Who is told; the trial's events carry its number in the run.

    Raises:
        UnknownNameError: There is no such run.
        UsageError: No such trial has ended, or a setting is impossible.
        DataError: The data cannot be read.
        OutputError: The folder is there already, or cannot be written.
        RunInUseError: Another process trains in the same folder.
    """
    view = RunView.open(path)
    trial = find_trial(view, wanted.trial)
    repetition = _repetition(trial, wanted)
    folder = RetrainedFolder(_folder(view, repetition, wanted))
    folder.check_new()
    known = file_layer(view.directory.config, "the run's config.yaml")
    layers = [known, Layer("retrain", _ONE_TRAINING), Layer("command line", wanted.settings)]
    config = resolve_config(layers).config
    repeated = _train(view, folder, config, repetition, registry, audience)
    if not repeated.complete:
        return Retrained(folder=folder.path, reason=repeated.reason)
    result = repeated.results[repetition.trial, repetition.seed]
    return _complete(view, folder, trial, result, config, score_test=wanted.score_test)


def _repetition(trial: TrialResult, wanted: Wanted) -> Repetition:
    hyperparameters = dict(trial.hyperparameters)
    if wanted.epochs is not None:
        hyperparameters["epochs"] = wanted.epochs
    return Repetition(
        trial=trial.trial,
        seed=trial.seed if wanted.seed is None else wanted.seed,
        hyperparameters=hyperparameters,
        accumulate=trial.accumulate,
    )


def _folder(view: RunView, repetition: Repetition, wanted: Wanted) -> Path:
    epochs = "" if wanted.epochs is None else f"-epochs-{wanted.epochs}"
    name = wanted.name or f"{repetition.trial:04d}-seed-{repetition.seed}{epochs}"
    return (wanted.root or view.directory.retrained_dir) / name


def _train(
    view: RunView,
    folder: RetrainedFolder,
    config: RunConfig,
    repetition: Repetition,
    registry: Registry,
    audience: Audience,
) -> Repeated:
    plan, selection, backend = prepare(config, registry, audience)
    task = Repeating(
        plan=plan,
        references=references_of(view),
        run=folder.training,
        wanted=[repetition],
        purpose="retraining",
        backend=f"{selection.spec.name} ({selection.reason})",
    )
    hear = _renumbering(audience, repetition.trial)
    with run_lock(folder.path):
        try:
            backend.start(RunSite(folder=folder.path, warn=audience.warn))
            deadlines = Deadlines(config.search, 0.0, queued=plan.remote)
            return repeat(task, backend, deadlines, hear, registry.plugins.manager.hook)
        finally:
            backend.close()


def _renumbering(audience: Audience, trial: int) -> Audience:
    """Let listeners hear of the trial by its number in the run."""

    def renumber(listener: Callable[[AnyEvent], None]) -> Callable[[AnyEvent], None]:
        def hear(event: AnyEvent) -> None:
            update = {"trial": trial} if isinstance(event, TrialEvent) else {}
            listener(event.model_copy(update=update))

        return hear

    return replace(audience, listeners=[renumber(each) for each in audience.listeners])


def _complete(
    view: RunView,
    folder: RetrainedFolder,
    trial: TrialResult,
    result: TrialResult,
    config: RunConfig,
    *,
    score_test: bool,
) -> Retrained:
    """Compare, and complete the folder; a process that died in here is repeated from here."""
    from hpo_torch.training.saved_models import class_names, same_weights

    now = _now(folder)
    labels = report = None
    if result.state == "complete":
        if folder.training.weights(result.trial).exists():
            folder.keep_weights(result.trial)
        labels = class_names(folder.checkpoint)
        report = _score(folder, config) if score_test else None
    theirs = weights_of_training(view, trial.trial, result.seed)
    both = theirs is not None and folder.checkpoint.exists()
    same = same_weights(folder.checkpoint, theirs) if theirs and both else None
    comparison = compare(trial, result, circumstances_of(view, trial.trial), now, same)
    environment = now.environment or describe_environment([])
    folder.write(view.name, result, comparison, environment, labels)
    numbered = result.model_copy(update={"trial": trial.trial})
    return Retrained(folder=folder.path, result=numbered, comparison=comparison, report=report)


def _score(folder: RetrainedFolder, config: RunConfig) -> TestReport:
    from hpo_torch.training.evaluate import evaluate_checkpoint

    report = evaluate_checkpoint(
        folder.checkpoint, config.data, config.search.seed, config.execution.device
    )
    folder.write_test_report(report)
    return report


def _now(folder: RetrainedFolder) -> Circumstances:
    started = last_start(folder.training)
    return Circumstances(
        device=started and started.device,
        precision=started and started.precision,
        jobs=1,
        environment=describe_environment([started.device] if started else []),
    )
