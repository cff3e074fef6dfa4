"""A search space: named hyperparameters, when each applies, and which combinations can exist."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.domains import Float, Int

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpo_torch.search.domains import Domain, Suggest, Value

_PAIR = 2


@dataclass(frozen=True, slots=True)
class When:
    """A condition: the hyperparameter `name`, chosen before, has one of `values`."""

    name: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.name} is " + " or ".join(str(value).lower() for value in self.values)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One hyperparameter.

    Attributes:
        name: On the command line and in every file.
        domain: What is searched; static, since a study's distributions may not change.
        default: Of the default configuration.
        description: One sentence for people.
        allowed: What may be fixed, where that is more than what is searched.
        when: The hyperparameter exists only then; always where None.
        reason: Why no more may be fixed, for people; empty where nothing needs saying.
    """

    name: str
    domain: Domain
    default: Value
    description: str
    allowed: Domain | None = None
    when: When | None = None
    reason: str = ""

    def convert(self, given: object) -> Value:
        """Return `given` with the right type.

        Raises:
            InvalidValueError: It is not allowed; the message says what is.
        """
        allowed = self.allowed or self.domain
        value = allowed.convert(given)
        if value is None:
            raise InvalidValueError(self.name, str(allowed), given, self.reason)
        return value

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Whether the hyperparameter exists, given those chosen before it."""
        return self.when is None or values.get(self.when.name) in self.when.values


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule over a few hyperparameters together.

    Attributes:
        names: The hyperparameters it reads, in the order of the space.
        violation: Given a value of each, why they cannot go together; None where they can.
    """

    names: tuple[str, ...]
    violation: Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """All hyperparameters of a model family.

    Distributions are the same in every trial of a study, as Optuna demands. Where earlier choices
    leave one option of a constrained hyperparameter, it is implied: recorded but not suggested. So
    earlier choices must leave all options or one, which is why every constrained hyperparameter
    but the first has exactly two. The first may be an `Int`: what can exist of it starts at its
    low end, without gaps, and depends on the study (its fixed values) only.

    Attributes:
        family: The model family ("cnn").
        parameters: In the order in which they are chosen.
        constraint: Which combinations can exist; None where all can.
    """

    family: str
    parameters: tuple[Parameter, ...]
    constraint: Constraint | None = None

    def __post_init__(self) -> None:
        for position, name in enumerate(self.constrained):
            parameter = self.parameter(name)
            if parameter.when or (position and len(_options(parameter.domain)) != _PAIR):
                raise ValueError(f"{name}: expected a constrained choice of two, always active")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all hyperparameters, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def deciding(self) -> frozenset[str]:
        """Names of those on whose values it depends which others exist, or may go with them."""
        conditions = {parameter.when.name for parameter in self.parameters if parameter.when}
        return frozenset(conditions | set(self.constrained))

    @property
    def constrained(self) -> tuple[str, ...]:
        """Names of those that the constraint reads, in order."""
        return self.constraint.names if self.constraint else ()

    def parameter(self, name: str) -> Parameter:
        """Return the hyperparameter of that name.

        Raises:
            UnknownNameError: There is none.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise UnknownNameError("hyperparameter", name, self.names)

    def sample(self, suggest: Suggest, fixed: Mapping[str, Value]) -> dict[str, Value]:
        """Choose every hyperparameter; what is returned is what trains, nothing is repaired.

        Args:
            suggest: Chooses: an `optuna.Trial`.
            fixed: Values not to be searched, as `check_fixed` returns them.

        Returns:
            Every active hyperparameter by name: fixed, implied and suggested ones.
        """
        values: dict[str, Value] = {}
        for parameter in self.parameters:
            if not parameter.is_active(values):
                continue
            if parameter.name in fixed:
                values[parameter.name] = fixed[parameter.name]
            else:
                values[parameter.name] = self._choose(parameter, suggest, {**fixed, **values})
        return values

    def defaults(self, fixed: Mapping[str, Value]) -> dict[str, Value]:
        """Return the default configuration, or the nearest that `fixed` and the input allow."""
        return self.sample(_Defaults({p.name: p.default for p in self.parameters}), fixed)

    def check_fixed(self, fixed: Mapping[str, object]) -> dict[str, Value]:
        """Return `fixed` with the right types; text as of the command line is read.

        Raises:
            UnknownNameError: There is no such hyperparameter.
            InvalidValueError: A value is not allowed, could never be used beside the other fixed
                values, or no network exists with these values together.
        """
        typed = {name: self.parameter(name).convert(given) for name, given in fixed.items()}
        for name, value in typed.items():
            when = self.parameter(name).when
            if when and when.name in typed and typed[when.name] not in when.values:
                raise InvalidValueError(
                    name,
                    f"no value unless {when}",
                    value,
                    f"Leave out {name}, or change {when.name}.",
                )
        reason = self._violation(typed)
        if reason is not None:
            given = {name: typed[name] for name in self.constrained if name in typed} or {
                name: str(self.parameter(name).domain) for name in self.constrained
            }
            raise InvalidValueError(", ".join(given), "values that fit together", given, reason)
        return typed

    def applicable(
        self, values: Mapping[str, Value], fixed: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Return those of `values` that may exist beside what is fixed."""
        known = {**values, **fixed}
        conditions = {name: self.parameter(name).when for name in values}
        return {
            name: values[name]
            for name, when in conditions.items()
            if when is None or when.name not in known or known[when.name] in when.values
        }

    def check_complete(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return `values` with the right types, if they are a whole configuration that can exist.

        Raises:
            UnknownNameError: There is no such hyperparameter.
            InvalidValueError: As for `check_fixed`, or an active hyperparameter has no value.
        """
        typed = self.check_fixed(values)
        for parameter in self.parameters:
            if parameter.is_active(typed) and parameter.name not in typed:
                allowed = str(parameter.allowed or parameter.domain)
                raise InvalidValueError(parameter.name, allowed, None, "It has no value.")
        return typed

    def _choose(self, parameter: Parameter, suggest: Suggest, known: Mapping[str, Value]) -> Value:
        name, domain = parameter.name, parameter.domain
        if name not in self.constrained:
            return domain.suggest(suggest, name)
        left = [o for o in _options(domain) if self._violation({**known, name: o}) is None]
        if len(left) == 1:
            return left[0]
        if isinstance(domain, Int):
            domain = Int(domain.low, domain.low + len(left) - 1, log=domain.log)
        return domain.suggest(suggest, name)

    def _violation(self, known: Mapping[str, Value]) -> str | None:
        """Say why no completion of `known` can exist; None where one can."""
        if self.constraint is None:
            return None
        names = self.constraint.names
        candidates = [
            (known[name],) if name in known else _options(self.parameter(name).domain)
            for name in names
        ]
        completions = (dict(zip(names, values, strict=True)) for values in product(*candidates))
        reasons = [self.constraint.violation(completion) for completion in completions]
        return None if None in reasons else reasons[0]


def _options(domain: Domain) -> tuple[Value, ...]:
    if isinstance(domain, Float):
        raise ValueError(f"expected countable values, got {domain}")
    return domain.options()


@dataclass(frozen=True, slots=True)
class _Defaults:
    """Chooses the default, or the nearest value on offer."""

    values: Mapping[str, Any]

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(min(max(self.values[name], low), high))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(min(max(self.values[name], low), high))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.values[name]
