"""All that is kept when the winner meets the test set, so that nothing needs it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.results.architecture import Architecture
from hpo_torch.results.records import read_record

if TYPE_CHECKING:
    from hpo_torch.results.activation_maps import ActivationMaps
    from hpo_torch.results.mistakes import Mistakes
    from hpo_torch.results.predictions import Predictions
    from hpo_torch.results.records import TestReport
    from hpo_torch.results.run_directory import RunDirectory


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ScoredWinner:
    """The winner on the test set.

    Attributes:
        report: The figures.
        predictions: Every example's probabilities.
        mistakes: Those it was surest of.
        architecture: Its layers.
        maps: What its convolutions see; None of a network without any.
    """

    report: TestReport
    predictions: Predictions
    mistakes: Mistakes
    architecture: Architecture
    maps: ActivationMaps | None

    def write(self, run: RunDirectory) -> None:
        """Write everything into best_model/; raises OutputError.

        The report is last: where it is, the rest was written, too.
        """
        self.predictions.write(run.test_predictions)
        self.mistakes.write(run.confident_mistakes)
        run.write_architecture(self.architecture)
        if self.maps is not None:
            self.maps.write(run.activation_maps)
        run.write_test_report(self.report)


def is_scored(run: RunDirectory) -> bool:
    """Whether best_model/ has everything that scoring leaves; raises OutputError if damaged."""
    if not all(path.exists() for path in run.scored_files):
        return False
    if run.activation_maps.exists():
        return True
    return not read_record(run.architecture, Architecture).convolutional
