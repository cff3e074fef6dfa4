"""Changes of a search space, as `search.space` in YAML makes them: narrower, wider, other choices.

search:
  space:
    cnn:
      filters: {choices: [16, 32]}
      learning_rate: {low: 1e-4, high: 1e-2, log: true}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.families import FAMILIES

if TYPE_CHECKING:
    from hpo_torch.search.domains import Domain, Value
    from hpo_torch.search.space import Parameter, SearchSpace

_RANGE = ("low", "high", "log")
_KEYS = ("choices", *_RANGE)
_FORMS = "{choices: [...]} or {low: x, high: y}"
_PAIR = 2


def change_space(
    space: SearchSpace, changes: Mapping[str, Any]
) -> tuple[SearchSpace, dict[str, Value]]:
    """Apply `search.space` to a family's space; other families' changes are left aside.

    A default outside of the new domain moves to the nearest value inside. What could be fixed
    before still can, as far as `Parameter.allowed` goes.

    Args:
        space: The family's space for the data set.
        changes: {family: {hyperparameter: {choices: [...]} or {low: x, high: y, log: true}}}.

    Returns:
        The space, and the values of hyperparameters of which one value is left: these are fixed.

    Raises:
        UnknownNameError: There is no such family, hyperparameter or key.
        InvalidValueError: A hyperparameter cannot be searched so; the message says why.
    """
    for family in changes:
        if family not in FAMILIES:
            raise UnknownNameError("model family in search.space", str(family), FAMILIES)
    setting = f"search.space.{space.family}"
    mine = _mapping(changes.get(space.family) or {}, setting, "hyperparameters with their changes")
    parameters = {parameter.name: parameter for parameter in space.parameters}
    single: dict[str, Value] = {}
    for name, change in mine.items():
        domain = changed_domain(space.parameter(name), change, f"{setting}.{name}")
        _check_constrained(space, name, domain, f"{setting}.{name}")
        if len(options := _few_options(domain)) == 1:
            single[name] = options[0]
        else:
            parameters[name] = _with_domain(parameters[name], domain)
    return replace(space, parameters=tuple(parameters.values())), single


def changed_domain(parameter: Parameter, change: object, setting: str) -> Domain:
    """Return the domain that a change makes of a hyperparameter's.

    Raises:
        UnknownNameError: A key is none of choices, low, high and log.
        InvalidValueError: Values are missing, out of order, or not allowed.
    """
    keys = _mapping(change, setting, _FORMS)
    for key in keys:
        if key not in _KEYS:
            raise UnknownNameError(f"key of {setting}", str(key), _KEYS)
    if ("choices" in keys) == any(key in keys for key in _RANGE):
        raise InvalidValueError(setting, f"either {_FORMS}", dict(keys))
    if "choices" in keys:
        return _choices(parameter, keys["choices"], f"{setting}.choices")
    return _range(parameter, keys, setting)


def _choices(parameter: Parameter, given: object, setting: str) -> Choice:
    if not isinstance(given, list) or not given:
        raise InvalidValueError(setting, "a list of at least one value", given)
    values = tuple(_allowed(parameter, value, setting) for value in given)
    if len(set(values)) < len(values):
        raise InvalidValueError(setting, "every value once", given)
    return Choice(values)


def _range(parameter: Parameter, keys: Mapping[str, Any], setting: str) -> Domain:
    allowed, domain = parameter.allowed or parameter.domain, parameter.domain
    if isinstance(allowed, Choice):
        raise InvalidValueError(
            setting, "{choices: [...]}", dict(keys), f"{parameter.name} is {allowed}."
        )
    ends = []
    for end in ("low", "high"):
        given = keys.get(end, getattr(domain, end, None))
        if given is None:
            raise InvalidValueError(setting, "both low and high", dict(keys))
        ends.append(_allowed(parameter, given, f"{setting}.{end}"))
    low, high = ends
    log = keys.get("log", getattr(domain, "log", False))
    if not isinstance(log, bool):
        raise InvalidValueError(f"{setting}.log", "true or false", log)
    if low > high:
        raise InvalidValueError(setting, "low of at most high", {"low": low, "high": high})
    if log and low <= 0:
        advice = "A logarithm needs numbers above 0; raise low, or set log: false."
        raise InvalidValueError(f"{setting}.low", "a number above 0 with log: true", low, advice)
    return Int(low, high, log) if isinstance(allowed, Int) else Float(low, high, log)


def _allowed(parameter: Parameter, given: object, setting: str) -> Any:
    """Return a value with its type; raises InvalidValueError under the setting's own name."""
    allowed = parameter.allowed or parameter.domain
    value = allowed.convert(given)
    if value is None:
        raise InvalidValueError(setting, str(allowed), given, parameter.reason)
    return value


def _check_constrained(space: SearchSpace, name: str, domain: Domain, setting: str) -> None:
    """Check what `SearchSpace` demands of hyperparameters that must fit together."""
    if name not in space.constrained:
        return
    first, options = name == space.constrained[0], _few_options(domain)
    if first and not isinstance(domain, Int) and len(options) > 1:
        raise InvalidValueError(setting, "{low: x, high: y}, or one choice", options)
    if not first and len(options) not in (1, _PAIR):
        together = ", ".join(space.constrained)
        raise InvalidValueError(
            setting,
            "one or two choices",
            options,
            f"{together} must fit together; only {space.constrained[0]} may have more options.",
        )


def _few_options(domain: Domain) -> tuple[Value, ...]:
    """Return every value of a countable domain; of others the one value, or none for many."""
    if isinstance(domain, Choice):
        return domain.choices
    if domain.low == domain.high:
        return (domain.low,)
    return domain.options() if isinstance(domain, Int) else ()


def _with_domain(parameter: Parameter, domain: Domain) -> Parameter:
    return replace(
        parameter,
        domain=domain,
        allowed=parameter.allowed or parameter.domain,
        default=nearest(domain, parameter.default),
    )


def nearest(domain: Domain, value: Value) -> Value:
    """Return the value of a domain that is nearest; of names that do not include it, the first."""
    if isinstance(domain, Choice):
        if value in domain.choices or isinstance(value, str | bool):
            return value if value in domain.choices else domain.choices[0]
        return min(domain.choices, key=lambda choice: abs(float(choice) - float(value)))
    number = min(max(float(value), domain.low), domain.high)
    return round(number) if isinstance(domain, Int) else number


def _mapping(given: object, setting: str, expected: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidValueError(setting, expected, given)
    return given
