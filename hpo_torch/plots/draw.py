"""Draw a run: every picture that its results allow, from its folder alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from hpo_torch.errors import OutputError, UnknownNameError
from hpo_torch.plots.model_pictures import MODEL_PICTURES
from hpo_torch.plots.picture import NothingToDrawError, Picture, Subject
from hpo_torch.plots.study_pictures import STUDY_PICTURES
from hpo_torch.plots.style import GIF, Look, dressed, save
from hpo_torch.plots.trial_pictures import TRIAL_PICTURES
from hpo_torch.results.atomic_files import remove_file
from hpo_torch.results.confirmation import confirmation_dir
from hpo_torch.results.epoch_records import EpochRecords
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.animation import Animation
    from matplotlib.figure import Figure

    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory

PICTURES: Final = (*STUDY_PICTURES, *TRIAL_PICTURES, *MODEL_PICTURES)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture, drawn or not.

    Attributes:
        path: Where it lies, or would lie.
        skipped: Why it was not drawn; empty where it was.
        failed: Whether that is an error, and not for want of something measured.
    """

    path: Path
    skipped: str = ""
    failed: bool = False


def draw_run(run: RunDirectory, which: Literal["all", "best", "none"]) -> list[Drawing]:
    """Draw the study, its best trial and model; with "all" also every trial, but no animations.

    Nothing is drawn that was not measured: such a picture is returned with the reason, and one of
    its name that an earlier state of the run left is removed. "none" draws nothing.

    Raises:
        OutputError: A result cannot be read, or a picture cannot be written.
    """
    if which == "none":
        return []
    drawer = Drawer(RunView(run), Look())
    drawings = list(drawer.draw(PICTURES))
    if which == "all":
        still = [picture for picture in TRIAL_PICTURES if not picture.animated]
        for trial in drawer.view.trials:
            if trial.epochs:
                drawings += drawer.draw(still, trial)
    return drawings


def find_pictures(names: Iterable[str]) -> list[Picture]:
    """Return the pictures of these names, in the order of PICTURES.

    Raises:
        UnknownNameError: There is no picture of a name; the message lists all.
    """
    known = {picture.name for picture in PICTURES}
    wanted = set(names)
    for name in sorted(wanted - known):
        raise UnknownNameError("picture", name, [picture.name for picture in PICTURES])
    return [picture for picture in PICTURES if picture.name in wanted]


class Drawer:
    """Draws pictures of one run in one look.

    Args:
        view: The run.
        look: Format and colours.
        into: The folder that pictures go into, if not the run's own.
    """

    def __init__(self, view: RunView, look: Look, into: Path | None = None) -> None:
        self.view = view
        self._look, self._into = look, into

    @cached_property
    def _records(self) -> EpochRecords:
        directory = self.view.directory
        # A confirmed winner's training is in the confirmation's own log.
        return EpochRecords(directory.events, confirmation_dir(directory.path) / "events.jsonl")

    def draw(
        self, pictures: Sequence[Picture], trial: TrialResult | None = None
    ) -> Iterator[Drawing]:
        """Draw pictures into plots/; of a given trial into that trial's own plots/, or into `into`.

        Args:
            pictures: Which.
            trial: Whose; the best one by default.

        Raises:
            OutputError: A result cannot be read, or a picture cannot be written.
        """
        folder = self.view.directory.plots_dir
        if trial is not None:
            folder = self.view.directory.trial_dir(trial.trial) / "plots"
        subject = self._subject(trial)
        for picture in pictures:
            yield self._draw(picture, subject, self._into or folder)

    def figure(self, picture: Picture, trial: TrialResult | None = None) -> Figure | Animation:
        """Draw a picture and hand it over; nothing is written.

        Args:
            picture: Which.
            trial: Whose; the best one by default.

        Raises:
            NothingToDrawError: What it would show was not measured.
            OutputError: A result cannot be read.
        """
        with dressed(self._look):
            return picture.draw(self._subject(trial))

    def _subject(self, trial: TrialResult | None) -> Subject:
        return Subject(self.view, trial or self.view.best, lambda: self._records)

    def _draw(self, picture: Picture, subject: Subject, folder: Path) -> Drawing:
        ending = GIF if picture.animated else self._look.format
        path = folder / f"{picture.name}{self._look.suffix}.{ending}"
        try:
            with dressed(self._look):
                return Drawing(save(picture.draw(subject), path))
        except NothingToDrawError as nothing:
            remove_file(path)
            return Drawing(path, str(nothing))
        except OutputError:
            raise
        # A picture that cannot be drawn must not keep a run of many hours from its end.
        except Exception as error:
            remove_file(path)
            reason = f"could not be drawn: {type(error).__name__}: {error}"
            return Drawing(path, reason, failed=True)
