"""What a run still knows of one of its trials: enough to train it again, and to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.errors import UsageError
from hpo_torch.protocol.events import TrialFinished, TrialStarted
from hpo_torch.results.comparison import Circumstances
from hpo_torch.results.environment import Environment
from hpo_torch.results.event_log import read_events
from hpo_torch.results.records import read_record
from hpo_torch.search.objectives import References

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.results.summary import RunView


def find_trial(view: RunView, number: int) -> TrialResult:
    """Return a trial that has ended, in whatever way.

    Raises:
        UsageError: There is none of that number; the message says which there are.
    """
    by_number = {trial.trial: trial for trial in view.trials}
    if number in by_number:
        return by_number[number]
    path = view.directory.path
    if not by_number:
        raise UsageError(f"no trial of run '{view.name}' has ended: `hpo-torch resume {path}`.")
    if any(isinstance(e, TrialStarted) and e.trial == number for e in _events(view.directory)):
        raise UsageError(
            f"trial {number} of run '{view.name}' has not ended: `hpo-torch resume {path}` goes "
            "on with it."
        )
    nearest = min(by_number, key=lambda known: (abs(known - number), known))
    raise UsageError(
        f"run '{view.name}' has no trial {number}. Did you mean {nearest}? Known: "
        f"{_ranges(sorted(by_number))}; `hpo-torch show {path} --trials` lists them."
    )


def references_of(view: RunView) -> References:
    """Return what the run's relative objectives are relative to."""
    if view.summary is not None:
        return References.model_validate(view.summary.references)
    for event in _events(view.directory):  # the first trial to complete set them
        if isinstance(event, TrialFinished) and event.state == "complete" and event.measurements:
            return References.of(event.measurements)
    return References()


def circumstances_of(view: RunView, trial: int) -> Circumstances:
    """Return where, and on what, a trial was trained."""
    path = view.directory.environment
    environment = read_record(path, Environment) if path.exists() else None
    started = last_start(view.directory, trial)
    return Circumstances(
        device=started and started.device,
        precision=started and started.precision,
        jobs=view.config.execution.jobs,
        environment=environment,
    )


def weights_of_training(view: RunView, trial: int, seed: int) -> Path | None:
    """Return the weights of one training of a trial; None where they are gone.

    They are in best_model/ or, of a trial on the front of objective and health, in its folder.
    """
    best, path = view.best, view.directory.best_checkpoint
    if best is not None and (best.trial, best.seed) == (trial, seed) and path.exists():
        return path
    own = view.directory.weights(trial)
    searched = any((known.trial, known.seed) == (trial, seed) for known in view.trials)
    return own if searched and own.exists() else None


def last_start(run: RunDirectory, trial: int | None = None) -> TrialStarted | None:
    """Return the event of a trial's last attempt; of any trial without a number."""
    starts = [
        event
        for event in _events(run)
        if isinstance(event, TrialStarted) and trial in (None, event.trial)
    ]
    return starts[-1] if starts else None


def _ranges(numbers: list[int]) -> str:
    """Write sorted numbers shortly.

    >>> _ranges([0, 1, 2, 5, 7, 8])
    '0 to 2, 5, 7 to 8'
    """
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{g[0]} to {g[-1]}" if len(g) > 1 else str(g[0]) for g in groups)


def _events(run: RunDirectory) -> list[AnyEvent]:
    return read_events(run.events) if run.events.exists() else []
