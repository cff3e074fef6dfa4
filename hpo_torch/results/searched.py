"""Which hyperparameters differ between a run's trials, on which scale, most important first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.search.domains import Choice, Int
from hpo_torch.search.study_space import study_space

if TYPE_CHECKING:
    from collections.abc import Collection

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.results.summary import RunView
    from hpo_torch.search.domains import Domain, Value

# A run's folder does not say what its data are like. Which hyperparameters there are, and on which
# scale each is searched, is the same for all data of a kind; what this input allows, any allows.
_ANY_IMAGE: Final = (3, 4096, 4096)
_ANY_NUMBER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Searched:
    """A hyperparameter that differs between the trials of a run.

    Attributes:
        name: Its name.
        values: What each trial had, by its number; one to which it did not apply is absent.
        options: Of a choice, the options that trials had: numbers and no/yes in order, names as
            they are listed. Empty of a number from a range.
        log: Whether its logarithm was searched evenly; all values are above 0 then.
        whole: Whether it is a whole number from a range.
        importance: Its share of the score's variation, 0..1; None where that is not known.
    """

    name: str
    values: dict[int, Value]
    options: tuple[Value, ...] = ()
    log: bool = False
    whole: bool = False
    importance: float | None = None

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return not any(isinstance(value, bool | str) for value in self.values.values())


def searched_hyperparameters(
    view: RunView, states: Collection[str] = ("complete", "pruned", "failed")
) -> list[Searched]:
    """Return what was searched and has at least two values among a run's trials of these states.

    The most important first, where the summary knows importance; else in the space's order. The
    values are those of all trials.
    """
    if not view.trials:
        return []
    judged = {trial.trial for trial in view.trials if trial.state in states}
    importance = (view.summary and view.summary.parameter_importance) or {}
    found = []
    for name, domain in _domains(view.config, view.trials[0].family).items():
        having = [trial for trial in view.trials if name in trial.hyperparameters]
        values = {trial.trial: trial.hyperparameters[name] for trial in having}
        if len({value for trial, value in values.items() if trial in judged}) > 1:
            found.append(_searched(name, domain, values, importance.get(name)))
    return sorted(found, key=lambda searched: -(searched.importance or 0.0))


def _domains(config: RunConfig, family: str) -> dict[str, Domain]:
    space, fixed = study_space(
        config, family, input_shape=_ANY_IMAGE, examples=_ANY_NUMBER, flips=True
    )
    return {each.name: each.domain for each in space.parameters if each.name not in fixed}


def _searched(
    name: str, domain: Domain, values: dict[int, Any], importance: float | None
) -> Searched:
    if isinstance(domain, Choice):
        return Searched(name, values, options=_ordered(domain, values), importance=importance)
    return Searched(
        name,
        values,
        # A queued configuration may have a value outside of what is searched, even 0.
        log=domain.log and min(values.values()) > 0,
        whole=isinstance(domain, Int),
        importance=importance,
    )


def _ordered(domain: Choice, values: dict[int, Any]) -> tuple[Value, ...]:
    seen = set(values.values())
    if not any(isinstance(value, str) for value in seen):
        return tuple(sorted(seen))
    listed = [choice for choice in domain.choices if choice in seen]
    return (*listed, *sorted(seen.difference(listed)))
