"""What a picture of a run is, and what it is drawn from: the run's folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.animation import Animation
    from matplotlib.figure import Figure

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.results.epoch_records import EpochRecords
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.summary import RunView

Of = Literal["study", "trial", "model"]


class NothingToDrawError(Exception):
    """What the picture would show was not measured; its text says what and why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn.

    Attributes:
        view: The run.
        trial: The trial that pictures of a trial show; None where no trial has completed.
        records: Reads the epochs of the run's trials; not called for pictures that need none.
    """

    view: RunView
    trial: TrialResult | None
    records: Callable[[], EpochRecords]

    def shown_trial(self) -> TrialResult:
        """Return the trial; raises NothingToDrawError where there is none."""
        if self.trial is None:
            raise NothingToDrawError("no trial has completed")
        return self.trial

    def epochs(self) -> list[EpochFinished]:
        """Return the trial's epochs with their health details, at least one.

        Raises:
            NothingToDrawError: There is no trial, or it recorded no epochs.
        """
        trial = self.shown_trial()
        epochs = self.records().of(trial)
        if not epochs and trial.epochs:
            raise NothingToDrawError(
                f"the epochs of trial {trial.trial} are in the log of another engine"
            )
        if not epochs:
            raise NothingToDrawError(f"trial {trial.trial} recorded no epochs")
        return epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One kind of picture.

    Attributes:
        name: Its file's name without the ending, and what `hpo-torch plot --what` takes.
        summary: What it shows.
        of: The whole study, one trial, or the model in best_model/.
        draw: Draws it; raises NothingToDrawError where what it shows was not measured.
        animated: It moves: a GIF, whatever other format is asked for.
    """

    name: str
    summary: str
    of: Of
    draw: Callable[[Subject], Figure | Animation]
    animated: bool = False
