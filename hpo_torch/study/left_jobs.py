"""Jobs that a process left on rented hardware when it died, of a run that goes on elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.study.elsewhere import place_elsewhere
from hpo_torch.study.recovery import Recorded
from hpo_torch.study.trial_marks import ATTEMPTS, unfinished_trials

if TYPE_CHECKING:
    from hpo_torch.study.recovery import History
    from hpo_torch.study.workplace import Workplace


def warn_of_left_jobs(place: Workplace, history: History, backend: str) -> None:
    """Say which trials' jobs may still run, and cost, where nobody of this process looks.

    Args:
        place: The study and the run.
        history: What earlier processes did.
        backend: Where trials run now, and nowhere else.
    """
    left = [
        trial.number
        for trial in unfinished_trials(place.study)
        if place_elsewhere(trial, place.run) is None
        and trial.user_attrs[ATTEMPTS][-1] not in history.trials.get(trial.number, Recorded()).ended
    ]
    before = history.backends[-1] if history.backends else ""
    if left and before != backend:
        trials = f"trial{'s' if len(left) > 1 else ''} {', '.join(map(str, left))}"
        place.warn(
            f"jobs of {trials} may still run with backend '{before}', and cost, while the "
            f"run goes on with '{backend}': the process that submitted them did not end them. "
            f"See the console of '{before}'"
        )
