"""A configuration as Optuna would have recorded it: its parameters and their distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.distributions import BaseDistribution

    from hpo_torch.search.domains import Value


class MisfitError(ValueError):
    """A configuration holds no value, or one that is not searched, of a hyperparameter."""


class Replay:
    """Stands for an `optuna.Trial` whose suggestions are known: give it to `SearchSpace.sample`.

    Args:
        values: Value by hyperparameter.

    Attributes:
        params: What was suggested, by name; fixed and implied values are not.
        distributions: Distribution by name, equal to what an `optuna.Trial` records.

    A suggestion raises MisfitError where the known value is outside of what is searched.
    """

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        self.params: dict[str, Value] = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> Any:
        """Return the known whole number."""
        return self._number(name, low, high, IntDistribution(low, high, log=log))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> Any:
        """Return the known number."""
        return self._number(name, low, high, FloatDistribution(low, high, log=log))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the known option."""
        value = self._value(name)
        # Types are compared too: True equals 1 in Python.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            options = ", ".join(str(choice).lower() for choice in choices)
            raise MisfitError(f"{name} {str(value).lower()} is none of {options}")
        return self._record(name, value, CategoricalDistribution(tuple(choices)))

    def _number(self, name: str, low: float, high: float, distribution: BaseDistribution) -> Any:
        value = self._value(name)
        whole = isinstance(distribution, IntDistribution)
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not number or not low <= float(value) <= high:
            raise MisfitError(f"{name} {value} is not from {low:g} to {high:g}")
        return self._record(name, value, distribution)

    def _value(self, name: str) -> Value:
        if name not in self._values:
            raise MisfitError(f"{name} has no value")
        return self._values[name]

    def _record(self, name: str, value: Value, distribution: BaseDistribution) -> Value:
        self.params[name], self.distributions[name] = value, distribution
        return value
