"""Who wins once the best trials were trained again: a pure function of their scores."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.results.records import Confirmation, ConfirmedTrial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.results.records import TrialResult


@dataclass(frozen=True, slots=True)
class Repeats:
    """A trial of the search, and its trainings on fresh seeds.

    Attributes:
        searched: How it did in the search.
        results: How it did on each fresh seed.
    """

    searched: TrialResult
    results: Sequence[TrialResult]

    @property
    def scores(self) -> list[float]:
        """The known scores; a training that diverged has the worst, 0."""
        return [result.score for result in self.results if result.score is not None]

    @property
    def mean(self) -> float | None:
        """Their mean; None where no score is known."""
        return statistics.fmean(self.scores) if self.scores else None

    @property
    def median(self) -> TrialResult | None:
        """The completed repetition of the median score, of two middle ones the lower.

        Of equal scores, the repetition of the lower number; None where none completed.
        """
        completed = sorted(
            (r for r in self.results if r.state == "complete" and r.score is not None),
            key=lambda r: (r.score or 0.0, r.trial),
        )
        return completed[(len(completed) - 1) // 2] if completed else None


def confirm(repeated: Sequence[Repeats], seeds: int) -> Confirmation:
    """Rank trials by the mean score of their repetitions; the search's own scores have no part.

    Args:
        repeated: By their place in the search, the best first.
        seeds: Repetitions of each.
    """
    by_mean = sorted(
        enumerate(repeated, 1),
        key=lambda entry: (-1.0 if entry[1].mean is None else entry[1].mean, -entry[0]),
        reverse=True,
    )
    winner = next((each for _, each in by_mean if each.median is not None), None)
    return Confirmation(
        seeds=seeds,
        trials=[_entry(each, place, rank) for rank, (place, each) in enumerate(by_mean, 1)],
        winner=winner.searched.trial if winner else None,
        saved=winner.median.trial if winner and winner.median else None,
    )


def story(confirmation: Confirmation, saved: TrialResult, weights: str) -> str:
    """Say in the best model's README how its weights came to be.

    Args:
        confirmation: What was confirmed.
        saved: The winner's repetition that is kept.
        weights: Which weights they are, in words.
    """
    entry = confirmed_entry(confirmation, saved.trial)
    spread = "" if entry.deviation is None else f" ± {entry.deviation:.4f}"
    return (
        f"{weights}, of a training on the\nfresh seed {saved.seed}. The search's best trials were "
        f"trained again on {confirmation.seeds} fresh seeds each;\nthis one won with a mean score "
        f"of {entry.mean:.4f}{spread}, and these are the weights of its median training."
    )


def confirmed_entry(confirmation: Confirmation, trial: int) -> ConfirmedTrial:
    """Return what was confirmed of a trial."""
    return next(entry for entry in confirmation.trials if entry.trial == trial)


def _entry(each: Repeats, place: int, rank: int) -> ConfirmedTrial:
    scores = each.scores
    return ConfirmedTrial(
        trial=each.searched.trial,
        searched=each.searched.score or 0.0,
        searched_rank=place,
        repetitions=[result.trial for result in each.results],
        seeds=[result.seed for result in each.results],
        scores=[result.score for result in each.results],
        scored=len(scores),
        mean=each.mean,
        deviation=statistics.stdev(scores) if len(scores) > 1 else None,
        rank=rank,
    )
