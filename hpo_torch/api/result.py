"""What came of a search, for Python callers: figures, frames, pictures and the page."""

from __future__ import annotations

import html
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo_torch.api.frames import epochs_frame, health_frame, trials_frame
from hpo_torch.errors import HpoTorchError
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView
from hpo_torch.study.earlier_trial import find_trial

if TYPE_CHECKING:
    import os

    import pandas as pd
    from matplotlib.animation import Animation
    from matplotlib.figure import Figure

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.results.records import RunSummary


def open_run(run: str | os.PathLike[str]) -> Result:
    """Return what came of an earlier run, or has come so far.

    Args:
        run: Its folder.

    Raises:
        UnknownNameError: There is no such folder; the message lists the runs beside it.
        OutputError: The folder is no run.
    """
    return Result(RunDirectory.open(Path(run).expanduser()))


class Result:
    """What came of a search; read from its folder when asked, and then remembered.

    Every property raises OutputError where a file is damaged; the frames raise
    MissingDependencyError where pandas is not installed.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._view = RunView(run)

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self._view.directory.path

    @property
    def config(self) -> RunConfig:
        """The resolved settings."""
        return self._view.config

    @property
    def summary(self) -> RunSummary | None:
        """All that is known of the search as a whole; None while it has not ended."""
        return self._view.summary

    @property
    def best_trial(self) -> int | None:
        """The winner's number; None before a trial has completed."""
        return None if self._view.best is None else self._view.best.trial

    @property
    def best_hyperparameters(self) -> dict[str, Any]:
        """Every hyperparameter that trained the winner; empty before a trial has completed."""
        return {} if self._view.best is None else dict(self._view.best.hyperparameters)

    @property
    def best_score(self) -> float | None:
        """The winner's score, higher is better; None before a trial has completed."""
        return None if self._view.best is None else self._view.best.score

    @property
    def test_accuracy(self) -> float | None:
        """The winner's share of correct answers on the test set; None where it was not scored."""
        return None if self._view.test_report is None else self._view.test_report.accuracy

    @property
    def trials(self) -> pd.DataFrame:
        """A row per trial: how it ended, its figures, and its hyperparameters as param_NAME."""
        return trials_frame(self._view.trials)

    @property
    def epochs(self) -> pd.DataFrame:
        """A row per trial and epoch: losses in nats, accuracies 0..1, learning rate, seconds."""
        return epochs_frame(self._view.trials)

    @property
    def health(self) -> pd.DataFrame:
        """A row per trial and health metric: value 0..1, weight, and why a value is missing."""
        return health_frame(self._view.trials, self.config.health)

    def figure(
        self, name: str, *, trial: int | None = None, dark: bool = False
    ) -> Figure | Animation:
        """Draw a picture; notebooks show it.

        Args:
            name: As `hpo-torch plot --list` has it.
            trial: Whose, of pictures of a trial; the winner by default.
            dark: On a dark ground.

        Returns:
            A figure that belongs to the caller; of a moving picture, the animation.

        Raises:
            UnknownNameError: There is no such picture; the message lists all.
            UsageError: No such trial has ended.
            HpoTorchError: What it would show was not measured; the message says what.
        """
        from hpo_torch.plots.draw import Drawer, find_pictures
        from hpo_torch.plots.picture import NothingToDrawError
        from hpo_torch.plots.style import Look

        (picture,) = find_pictures([name])
        chosen = None if trial is None else find_trial(self._view, trial)
        if "IPython" in sys.modules:
            # Tells IPython how to show figures that pyplot did not make.
            import_module("matplotlib.pyplot")
        try:
            return Drawer(self._view, Look(dark=dark)).figure(picture, chosen)
        except NothingToDrawError as nothing:
            raise HpoTorchError(f"picture '{name}' was not drawn: {nothing}") from nothing

    def report(self) -> Path:
        """Write the run's page, report.html, anew; return its path.

        Raises:
            OutputError: It cannot be written.
        """
        from hpo_torch.reporting.page import write_report

        return write_report(self._view)

    def __repr__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self._facts())
        return f"<Result {self._view.name}: {facts}>"

    def _repr_html_(self) -> str:
        """Return a table of the main figures; notebooks show it."""
        facts = [*self._facts(), ("folder", str(self.run))]
        facts += [(name, str(value)) for name, value in self.best_hyperparameters.items()]
        cells = "".join(
            f"<tr><th style='text-align: left'>{html.escape(name)}</th>"
            f"<td style='text-align: left'>{html.escape(value)}</td></tr>"
            for name, value in facts
        )
        return f"<table><caption>{html.escape(self._view.name)}</caption>{cells}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        counts = [f"{number} {state}" for state, number in self._view.counts.items() if number]
        facts = [("trials", " + ".join(counts) or "none")]
        if self.best_score is not None:
            facts += [("best trial", str(self.best_trial)), ("score", f"{self.best_score:.4f}")]
        if self.test_accuracy is not None:
            facts.append(("test accuracy", f"{self.test_accuracy:.4f}"))
        return facts
