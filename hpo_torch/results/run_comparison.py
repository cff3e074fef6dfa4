"""Several runs side by side: their figures, and where settings and winners differ."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.config.load import flatten
from hpo_torch.protocol.events import TrialState  # noqa: TC001 - pydantic reads it
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.attempts import read_attempts
from hpo_torch.results.score_progress import ScorePoint, score_progress
from hpo_torch.results.worked_time import seconds_worked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.results.summary import RunView

# Where a run lies and what is drawn of it says nothing about what it found.
_ASIDE: Final = ("output.", "data.dir", "data.download")
_OWN_DATA = {"path", "text_column", "label_column", "image_size"}
_NAMED = 10  # pairs of runs in a remark


class ComparedRun(Frozen):
    """One run's figures; those of a winner are None before a trial has completed.

    Attributes:
        own_data: By setting, what says which own data it is: where it lies, absolute, its columns,
            and its images' size; empty for a data set that is known by its name.
        health_weight: Health's share of the score; None in the other modes than health.
        counts: Number of finished trials by state.
        score: The best; its scale is the run's own mode and objective.
        val_accuracy: Of the winner, 0..1.
        test_accuracy: Of the winner, 0..1; None where it was not scored.
        test_interval: 95 % Wilson interval of it.
        overall_health: Of the winner, 0..1; None where it was not measured.
        parameters: Of the winner, trainable ones.
        seconds: Wall time of the search, those in which no process worked left out.
        progress: How the best score grew.
    """

    run: str
    path: str
    dataset: str
    own_data: dict[str, str | int]
    mode: str
    objective: str
    health_weight: float | None
    finished: bool
    counts: dict[TrialState, int]
    score: float | None
    val_accuracy: float | None
    test_accuracy: float | None
    test_interval: tuple[float, float] | None
    overall_health: float | None
    parameters: int | None
    seconds: float
    progress: list[ScorePoint]


class RunComparison(Frozen):
    """Runs side by side; the lists have a value for each run, in the runs' order.

    Attributes:
        settings: By dotted name, the settings in which they differ; None where a run has none.
        hyperparameters: Those in which their winners differ; None where a winner has none.
        remarks: What a reader should know before taking one for better than another.
    """

    runs: list[ComparedRun]
    settings: dict[str, list[Any]]
    hyperparameters: dict[str, list[Any]]
    remarks: list[str]


def compare_runs(views: Sequence[RunView]) -> RunComparison:
    """Compare runs, finished or not.

    Raises:
        OutputError: A run's file is damaged; the message names it.
    """
    runs = [_figures(view) for view in views]
    winners = [view.best.hyperparameters if view.best else {} for view in views]
    return RunComparison(
        runs=runs,
        settings=differing([_settings(view) for view in views]),
        hyperparameters=differing(winners),
        remarks=list(_remarks(runs)),
    )


def differing(tables: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the entries that are not the same in all tables, in order of first appearance.

    >>> differing([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}])
    {'b': [2, 3], 'c': [None, 4]}
    """
    names = dict.fromkeys(name for table in tables for name in table)
    values = {name: [table.get(name) for table in tables] for name in names}
    return {name: row for name, row in values.items() if any(each != row[0] for each in row)}


def _settings(view: RunView) -> dict[str, Any]:
    settings = flatten(view.config.model_dump(mode="json"))
    return {name: value for name, value in settings.items() if not name.startswith(_ASIDE)}


def _figures(view: RunView) -> ComparedRun:
    config, best, test = view.config, view.best, view.test_report
    measured = best.measurements if best else None
    attempts = read_attempts(view.directory.events)
    progress = score_progress(view.trials, attempts)
    return ComparedRun(
        run=view.name,
        path=str(view.directory.path),
        dataset=config.data.dataset,
        own_data=_own_data(config.data),
        mode=config.search.mode,
        objective=config.search.optimize_for,
        health_weight=config.search.health_weight if config.search.mode == "health" else None,
        finished=view.is_whole,
        counts=view.counts,
        score=best.score if best else None,
        val_accuracy=measured.val_accuracy if measured else None,
        test_accuracy=test.accuracy if test else None,
        test_interval=test.interval if test else None,
        overall_health=measured.overall_health if measured else None,
        parameters=measured.parameters if measured else None,
        seconds=view.summary.seconds if view.summary else seconds_worked(attempts.spans),
        progress=progress,
    )


def _own_data(data: DataSettings) -> dict[str, str | int]:
    named = data.model_dump(include=_OWN_DATA, exclude_none=True)
    if data.path is not None:
        named["path"] = str(Path(data.path).expanduser().resolve())
    return named


def alike(runs: Sequence[ComparedRun]) -> bool:
    """Whether all runs are of the same data, so that one's accuracies compare to another's."""
    return all((run.dataset, run.own_data) == (runs[0].dataset, runs[0].own_data) for run in runs)


def _remarks(runs: Sequence[ComparedRun]) -> Iterator[str]:
    if not alike(runs):
        yield "the runs are of different data sets: neither scores nor accuracies compare"
        return
    if len({(run.mode == "health", run.objective, run.health_weight) for run in runs}) > 1:
        yield "the scores are of different things (mode, objective, weight): compare accuracies"
    if pairs := [pair for pair in combinations(runs, 2) if _overlap(*pair)]:
        named = "; ".join(f"{one.run} and {other.run}" for one, other in pairs[:_NAMED])
        rest = f"; and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
        yield (
            f"the intervals of the test accuracies overlap ({named}{rest}): "
            "a difference may be chance"
        )
    if any(not run.finished for run in runs):
        unfinished = ", ".join(run.run for run in runs if not run.finished)
        yield f"not finished: {unfinished}"


def _overlap(one: ComparedRun, other: ComparedRun) -> bool:
    """Whether the intervals of two test accuracies have something in common."""
    if one.test_interval is None or other.test_interval is None:
        return False
    (low, high), (others_low, others_high) = one.test_interval, other.test_interval
    return low <= others_high and others_low <= high
