"""What is trained next: asked for until it is neither too large nor trained before.

Asking again, instead of failing or shrinking what was asked for, leaves the sampler's own
distribution, given that the network is small enough: shallow networks are not preferred. A refused
answer is a draft that is thrown away; the trial keeps its number for the next one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import optuna
from optuna.trial import TrialState as OptunaState

from hpo_torch.study.draft import Draft
from hpo_torch.study.jobs import new_attempt
from hpo_torch.study.journal_file import grouped_writes
from hpo_torch.study.queue_file import is_queued, outside
from hpo_torch.study.samplers import exhausted, pass_over
from hpo_torch.study.seeds import trial_seed
from hpo_torch.study.size_limits import SizeLimits
from hpo_torch.study.trial_marks import (
    ATTEMPTS,
    HYPERPARAMETERS,
    REFUSED,
    configuration,
    is_ours,
    reject,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpo_torch.study.plan import StudyPlan

MOST_TOO_LARGE = 1000
# A sampler that has settled repeats itself; whether the space has more is asked of random draws.
MOST_REPEATED = 20
MOST_REPEATED_AT_RANDOM = 200
EXHAUSTED = "search space exhausted"
NOTHING_SMALL = (
    f"no network within the size limits in {MOST_TOO_LARGE} proposals (the last: {{}}); raise "
    "search.max_compute, search.max_parameters or search.max_memory, or narrow the search space"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to train; the storage has it, whole, with its first attempt's id."""

    handle: optuna.Trial
    attempt: str


class Proposals(Protocol):
    """What the study's loop trains next.

    Attributes:
        reason: Why nothing more is proposed, for people; "" while something is.
    """

    reason: str

    def propose(self) -> Proposal | None:
        """Return the next configuration, whole in the storage; None where there is none."""


class Proposer:
    """Asks Optuna.

    Args:
        plan: The space and its limits.
        study: Asked.
        warn: Takes one line about a queued configuration that is not trained.

    Attributes:
        reason: Why nothing more is proposed, for people; "" while something is.
    """

    def __init__(self, plan: StudyPlan, study: optuna.Study, warn: Callable[[str], None]) -> None:
        self._plan, self._study, self._warn = plan, study, warn
        self._limits = SizeLimits(plan)
        self._trained: set[str] = set()
        self._seen = 0
        self._unsaid: list[int] = []  # trials that wait, or whose engine has not said what they are
        self.reason = ""

    def propose(self) -> Proposal | None:
        """Ask until a configuration can be trained; None, and a reason, where there is none."""
        too_large = repeated = 0
        handle, reason, sampler = None, "", self._study.sampler
        while too_large < MOST_TOO_LARGE and repeated < MOST_REPEATED + MOST_REPEATED_AT_RANDOM:
            if exhausted(self._study) and not self._is_queued():
                break
            with grouped_writes(self._study._storage):
                handle = handle or self._study.ask()
                if repeated == MOST_REPEATED and sampler is self._study.sampler:
                    sampler = self._at_random(handle.number)
                draft, values = self._draw(handle, sampler)
                self._look_at_others()
                if violation := self._limits.violation(values):
                    too_large, reason = too_large + 1, violation
                elif _key(values) in self._trained:
                    repeated, reason = repeated + 1, "trained before"
                else:
                    draft.write()
                    return self._accept(draft, values, too_large + repeated)
                handle = self._refuse(handle, values, reason)
        if handle is not None:
            reject(self._study, handle, reason)
        self.reason = EXHAUSTED if too_large < MOST_TOO_LARGE else NOTHING_SMALL.format(reason)
        return None

    def _at_random(self, number: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.RandomSampler(trial_seed(self._plan.config.search.seed, number))

    def _draw(
        self, handle: optuna.Trial, sampler: optuna.samplers.BaseSampler
    ) -> tuple[Draft, dict[str, Any]]:
        chosen, self._study.sampler = self._study.sampler, sampler
        try:
            draft = Draft(self._study, handle)
            values = self._plan.space.sample(draft, {**self._plan.fixed, **outside(handle)})
        finally:
            self._study.sampler = chosen
        return draft, values

    def _refuse(
        self, handle: optuna.Trial, values: Mapping[str, Any], reason: str
    ) -> optuna.Trial | None:
        """Return the trial that is asked about next; None where a queued one was refused."""
        if is_queued(self._study._storage.get_trial(handle._trial_id)):
            reject(self._study, handle, reason)
            if values != self._plan.defaults:
                self._warn(f"a queued configuration is not trained: {reason}: {values}")
            return None
        pass_over(self._study)
        if exhausted(self._study):
            reject(self._study, handle, reason)
            return None
        return handle

    def _look_at_others(self) -> None:
        """Learn which configurations earlier processes, and other engines, have trained."""
        trials = self._study.get_trials(deepcopy=False)
        numbers, self._unsaid = [*self._unsaid, *range(self._seen, len(trials))], []
        for number in numbers:
            if is_ours(trials[number]):
                self._trained.add(_key(configuration(trials[number])))
            elif not trials[number].state.is_finished():
                self._unsaid.append(number)
        self._seen = len(trials)

    def _is_queued(self) -> bool:
        return bool(self._study.get_trials(deepcopy=False, states=(OptunaState.WAITING,)))

    def _accept(self, handle: optuna.Trial, values: dict[str, Any], refused: int) -> Proposal:
        proposal = Proposal(handle=handle, attempt=new_attempt())
        if refused:
            handle.set_user_attr(REFUSED, refused)
        handle.set_user_attr(HYPERPARAMETERS, values)
        handle.set_user_attr(ATTEMPTS, [proposal.attempt])
        self._trained.add(_key(values))
        return proposal


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)
