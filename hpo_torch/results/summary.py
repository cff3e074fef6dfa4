"""A run as it can be read from its folder alone, while it goes on or long after."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.confirmation import covers, read_confirmation, saved_result
from hpo_torch.results.front import front_of, points_of
from hpo_torch.results.records import (
    INTERRUPTED,
    TIMEOUT,
    RunSummary,
    TestReport,
    read_record,
)
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.search.modes import optimises_two
from hpo_torch.search.pareto import healthiest_within

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.protocol.events import TrialState
    from hpo_torch.results.front import Front
    from hpo_torch.results.records import Confirmation, TrialResult


def resume_command(folder: Path, reason: str = "") -> str:
    """Say how to go on with a run that ended for a reason; more time, where that was used up."""
    more = " --timeout LARGER" if reason == TIMEOUT else ""
    return f"hpo-torch resume {folder}{more}"


def best_of(trials: Iterable[TrialResult]) -> TrialResult | None:
    """Return the completed trial of the highest score; of equals, the lowest number."""
    scored = [
        (t.score, -t.trial, t) for t in trials if t.state == "complete" and t.score is not None
    ]
    return max(scored, key=lambda entry: entry[:2])[2] if scored else None


def winner_of(trials: Iterable[TrialResult], search: SearchSettings) -> TrialResult | None:
    """Return the trial that wins by the study's mode; None before one has completed.

    The best score or, where objective and health are two, the healthiest trial whose objective is
    within delta of the best.
    """
    if not optimises_two(search):
        return best_of(trials)
    by_number = {trial.trial: trial for trial in trials}
    pick = healthiest_within(points_of(by_number.values()), search.delta)
    return None if pick is None else by_number[pick.trial]


def count_states(trials: Iterable[TrialResult]) -> dict[TrialState, int]:
    """Return the number of trials by state; states without trials count 0."""
    return _count(trial.state for trial in trials)


def _count(states: Iterable[TrialState]) -> dict[TrialState, int]:
    counts: dict[TrialState, int] = {"complete": 0, "pruned": 0, "failed": 0}
    for state in states:
        counts[state] += 1
    return counts


class RunView:
    """One run, read when asked and then remembered: a new view shows what has happened since.

    Every property raises OutputError where its file is damaged.

    Attributes:
        directory: The run's folder.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory

    @classmethod
    def open(cls, path: Path) -> RunView:
        """View the run in the folder `path`; raises as `RunDirectory.open` does."""
        return cls(RunDirectory.open(path))

    @property
    def name(self) -> str:
        """The run's name."""
        return self.directory.name

    @cached_property
    def config(self) -> RunConfig:
        """The resolved settings."""
        path = self.directory.config
        try:
            return RunConfig.model_validate(yaml.safe_load(path.read_bytes()))
        except OSError as error:
            raise output_error("read", path, error) from error
        except (yaml.YAMLError, ValidationError) as error:
            raise OutputError(f"{path} holds no settings of a run: {error}") from error

    @cached_property
    def trials(self) -> list[TrialResult]:
        """Every finished trial, by number."""
        return self.directory.read_trials()

    @cached_property
    def summary(self) -> RunSummary | None:
        """What came of the run; None while it has not ended."""
        path = self.directory.summary
        return read_record(path, RunSummary) if path.exists() else None

    @cached_property
    def test_report(self) -> TestReport | None:
        """The winner on the official test set; None where it was not scored."""
        path = self.directory.test_report
        return read_record(path, TestReport) if path.exists() else None

    @cached_property
    def confirmation(self) -> Confirmation | None:
        """The best trials on fresh seeds; None where none were confirmed."""
        return read_confirmation(self.directory.path)

    @cached_property
    def front(self) -> Front | None:
        """The front of objective and health so far; None in modes of one objective."""
        return front_of(self.trials, self.config.search)

    @property
    def finished(self) -> bool:
        """Whether the study has ended, or was interrupted; no process works on it."""
        return self.summary is not None

    @property
    def is_complete(self) -> bool:
        """Whether all that was wanted is done, and the folder is complete."""
        return self.is_whole and self.satisfies(self.config.search)

    @property
    def is_whole(self) -> bool:
        """Whether the folder has all that a study leaves when it ends, pictures included."""
        return self.summary is not None and self.summary.reason != INTERRUPTED

    def satisfies(self, search: SearchSettings) -> bool:
        """Whether all trials that these settings want have ended, and the best are confirmed."""
        return sum(self.counts.values()) >= search.trials and (
            not search.confirm
            or covers(self.confirmation, self.trials, search.confirm, search.confirm_seeds)
        )

    @property
    def counts(self) -> dict[TrialState, int]:
        """Number of finished trials by state; no more is read for it of trials not read yet."""
        if "trials" in self.__dict__:  # all that this view says is of the same trials
            return count_states(self.trials)
        return _count(self._states)

    @cached_property
    def _states(self) -> list[TrialState]:
        return self.directory.read_states()

    @property
    def best(self) -> TrialResult | None:
        """The trial that won, or leads while the run goes on; None before one has completed.

        Of a winner that was confirmed, the training on a fresh seed whose weights are kept.
        """
        if self.confirmation is not None and self.confirmation.saved is not None:
            return saved_result(self.directory.path, self.confirmation)
        if self.summary is None:
            return winner_of(self.trials, self.config.search)
        winner = self.summary.best_trial
        return next((trial for trial in self.trials if trial.trial == winner), None)
