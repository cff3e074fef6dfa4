"""What everybody who works on a study needs: the plan, the storage, the folder, the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.announce import Announcer
    from hpo_torch.study.plan import StudyPlan
    from hpo_torch.study.standings import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """One process's view of a study.

    Attributes:
        plan: What is searched.
        study: Optuna's study.
        run: The run's folder.
        announce: Takes every event.
        standings: What has finished so far.
        warn: Takes one line about something that went wrong without ending the study.
        keeps: Whose weights stay: the best trial's, in best_model/ (and, where objective and health
            are two, those of trials on the front in their folders), or every trial's, in its
            folder.
    """

    plan: StudyPlan
    study: optuna.Study
    run: RunDirectory
    announce: Announcer
    standings: Standings
    warn: Callable[[str], None]
    keeps: Literal["best", "all"] = "best"
