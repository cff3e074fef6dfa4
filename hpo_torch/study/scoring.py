"""The study's score of a trial, and the references that relative objectives need for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.search.modes import score
from hpo_torch.search.objectives import References
from hpo_torch.study.patient_storage import exclusively
from hpo_torch.study.references import freeze_references, read_references

if TYPE_CHECKING:
    import optuna

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.protocol.measurements import Measurements


class Scorer:
    """Scores measurements by the study's mode and objective.

    Args:
        search: Mode, objective and weight.
        study: Where the references are kept.
    """

    def __init__(self, search: SearchSettings, study: optuna.Study) -> None:
        self._search, self._study = search, study
        self._references = read_references(study)

    def score(self, measurements: Measurements) -> float | None:
        """Return the score so far, 0..1; None where it is not measured (yet)."""
        search = self._search
        return score(
            measurements,
            mode=search.mode,
            objective=search.optimize_for,
            health_weight=search.health_weight,
            references=self._references,
        )

    def final(self, measurements: Measurements) -> float | None:
        """Score a completed trial; the study's first one also sets its references."""
        if self._references == References():
            with exclusively(self._study):
                self._references = read_references(self._study)  # another engine's first may be it
                if self._references == References():
                    self._references = freeze_references(self._study, measurements)
        return self.score(measurements)
