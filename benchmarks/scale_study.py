"""A long study whose trials are done at once, watched as it grows: part of scale.py."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import optuna
import psutil
from instant_study import InstantBackend, make_plan
from scale_figures import Mark, marks_for, median_of_last, sizes_of

from hpo_torch.execution.select import Selection
from hpo_torch.hooks.records import BackendSpec
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.audience import Audience
from hpo_torch.study.session import Session

if TYPE_CHECKING:
    from hpo_torch.results.records import RunSummary

RUN: Final = "long"
BACKEND: Final = "instant"


@dataclass(slots=True)
class Grown:
    """What came of a study.

    Attributes:
        marks: In order.
        seconds: Of the study, for each trial.
        whole_seconds: From before the first trial to the end of the last.
        end_seconds: From the last trial to the end of the study: its summary and tables, but no
            test and no pictures, as nothing was trained.
    """

    marks: list[Mark] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    whole_seconds: float = 0.0
    end_seconds: float = 0.0


class WatchedBackend(InstantBackend):
    """Looks at the run and its process whenever so many trials have ended, and at the end.

    Args:
        run: The run's folder.
        trials: Of the study.
        epochs: Of a trial.
    """

    def __init__(self, run: Path, trials: int, epochs: int) -> None:
        super().__init__(self._look_at_marks, epochs)
        self._run, self._marks = run, frozenset(marks_for(trials))
        self._begin, self._closed = time.perf_counter(), False
        self.grown = Grown(seconds=self.seconds)
        self.looked_at = 0.0

    def close(self) -> None:
        """Look for the last time."""
        super().close()
        if not self._closed:
            self._closed = True
            self.grown.whole_seconds = time.perf_counter() - self._begin
            if self.seconds:
                self._look()
            self.looked_at = time.perf_counter()

    def _look_at_marks(self, _: int) -> None:
        if len(self.seconds) in self._marks:
            self._look()

    def _look(self) -> None:
        memory = psutil.Process().memory_info().rss
        seconds = median_of_last(self.seconds)
        self.grown.marks.append(Mark(len(self.seconds), seconds, memory, sizes_of(self._run)))


class UntestedSession(Session):
    """A session whose winner is neither tested nor drawn: its weights are no real ones."""

    def _score(self, summary: RunSummary) -> RunSummary:
        return summary

    def _draw(self, summary: RunSummary) -> None:
        pass


def backend_spec(target: str) -> BackendSpec:
    """Return the record of a backend that trains nothing, which "module:factory" makes."""
    return BackendSpec(name=BACKEND, target=target, summary="trains nothing", where="here")


def quieten() -> None:
    """Have Optuna say nothing; TPE's `group` is experimental, and the product's default."""
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def grow(root: str, trials: int, seed: int, search: dict[str, Any], epochs: int) -> Grown:
    """Run a whole study in `root`/long, and watch it; in a process of its own, for its memory.

    Args:
        root: The folder of runs.
        trials: How many.
        seed: Of the search.
        search: Settings of the search beside these: {"sampler": "random"}.
        epochs: Of a trial.
    """
    quieten()
    plan = make_plan(trials, seed, search, {"backend": BACKEND})
    run = RunDirectory.create(Path(root), RUN)
    backend = WatchedBackend(run.path, trials, epochs)
    selection = Selection(backend_spec("instant_study:InstantBackend"), "asked for")
    UntestedSession(plan, selection, run, Audience()).work(backend, installed_registry())
    backend.grown.end_seconds = time.perf_counter() - backend.looked_at
    return backend.grown
