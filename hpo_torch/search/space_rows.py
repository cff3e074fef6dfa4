"""A search space for people: a row for each hyperparameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.search.domains import Value
    from hpo_torch.search.space import Parameter, SearchSpace


def space_rows(space: SearchSpace, fixed: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Return what is searched, or fixed, of each hyperparameter: plain JSON, in order.

    The keys are name, searched (in words), default, when (None: always), may_be_fixed_at (in
    words) and meaning.
    """
    return [_row(parameter, fixed) for parameter in space.parameters]


def _row(parameter: Parameter, fixed: Mapping[str, Value]) -> dict[str, Any]:
    name, domain = parameter.name, parameter.domain
    searched = f"{domain}, logarithmic" if getattr(domain, "log", False) else str(domain)
    return {
        "name": name,
        "searched": f"fixed at {value_text(fixed[name])}" if name in fixed else searched,
        "default": fixed.get(name, parameter.default),
        "when": str(parameter.when) if parameter.when else None,
        "may_be_fixed_at": str(parameter.allowed or domain),
        "meaning": parameter.description,
    }


def value_text(value: object) -> str:
    """Return a hyperparameter's value for people, as YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
