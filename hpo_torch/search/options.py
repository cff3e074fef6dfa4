"""Options of samplers and pruners: typed records that check themselves and list themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from hpo_torch.errors import InvalidValueError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

OptionsT = TypeVar("OptionsT", bound="Options")


class Options(BaseModel):
    """The options of one sampler or pruner; names are Optuna's wherever it has the option."""

    # strict: `true` is no number of trials, and "3" no number at all.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Method:
    """One sampler or pruner.

    Attributes:
        name: On the command line.
        summary: One line for listings.
        options: Record of its options.
    """

    name: str
    summary: str
    options: type[Options]


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One option as listings show it; `default` is None where there is none to name."""

    name: str
    type: str
    default: object
    required: bool
    description: str


def read_options(record: type[OptionsT], given: Mapping[str, Any], setting: str) -> OptionsT:
    """Check and type the options of one sampler or pruner.

    Args:
        record: Its options.
        given: Values by name, as settings hold them.
        setting: Dotted name of the setting that holds them, for messages.

    Raises:
        UnknownNameError: There is no such option.
        InvalidValueError: A value is impossible, or a required one is missing.
    """
    for name in given:
        if name not in record.model_fields:
            raise UnknownNameError(f"option of {setting}", name, record.model_fields)
    try:
        return record.model_validate({name: _number(value) for name, value in given.items()})
    except ValidationError as error:
        raise _explain(record, error, setting) from None


def option_rows(record: type[Options]) -> list[OptionRow]:
    """List a record's options in order."""
    return [
        OptionRow(
            name=name,
            type=_type_name(info.annotation),
            default=None if info.is_required() else info.get_default(call_default_factory=True),
            required=info.is_required(),
            description=info.description or "",
        )
        for name, info in record.model_fields.items()
    ]


def _number(value: Any) -> Any:
    """Read a number in a text: YAML takes 1e-3, without a dot, for one."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if not value.strip().isdigit() else int(value)
    except ValueError:
        return value


def _explain(record: type[Options], error: ValidationError, setting: str) -> InvalidValueError:
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not first["loc"]:  # a rule over several options
        return InvalidValueError(setting, message, first["input"])
    name = str(first["loc"][0])
    description = f"{name}: {record.model_fields[name].description}."
    if first["type"] == "missing":
        message, given = f"a value of {name}", None
    else:
        message, given = message.removeprefix("a valid "), first["input"]
    return InvalidValueError(f"{setting}.{name}", message, given, description)


def _type_name(annotation: Any) -> str:
    """Write a type for people: "whole number", "true or false", "sobol or halton" ..."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(str(choice) for choice in inner)
    if origin is dict:
        return "options by name"
    if inner:  # X | None: None stands for the default that the description tells
        return _type_name(next(option for option in inner if option is not type(None)))
    return {"int": "whole number", "float": "number", "bool": "true or false"}[annotation.__name__]
