"""How a search's best score grew, by trials and by the time that was worked on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.worked_time import seconds_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.results.attempts import Attempts
    from hpo_torch.results.records import TrialResult


class ScorePoint(Frozen):
    """The state of a search when a trial had ended.

    Attributes:
        ended: Trials that had ended by then, in whatever way.
        seconds: Wall time since the search began, those in which no process worked left out.
        best: The best score so far.
    """

    ended: int
    seconds: float
    best: float


def score_progress(trials: Iterable[TrialResult], attempts: Attempts) -> list[ScorePoint]:
    """Return a point for each trial that ended since the first one completed, in that order.

    Trials whose end the log does not have, and those before the first completed one, have none.
    """
    results = {trial.attempt: trial for trial in trials}
    ended = [
        attempt
        for attempt in attempts.attempts
        if attempt.attempt in results and attempt.ending not in ("retried", "unfinished")
    ]
    points: list[ScorePoint] = []
    best: float | None = None
    for number, attempt in enumerate(sorted(ended, key=lambda each: each.ended), 1):
        trial = results[attempt.attempt]
        if trial.state == "complete" and trial.score is not None:
            best = trial.score if best is None else max(best, trial.score)
        if best is not None:
            seconds = seconds_until(attempt.ended, attempts.spans)
            points.append(ScorePoint(ended=number, seconds=seconds, best=best))
    return points
