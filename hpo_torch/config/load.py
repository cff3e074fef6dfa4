"""From layers of settings to one RunConfig that knows where each value came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_origin

import yaml
from pydantic import ValidationError

from hpo_torch.config.health_presets import with_health_preset
from hpo_torch.config.presets import preset_path
from hpo_torch.config.schema import RunConfig
from hpo_torch.config.section import Section
from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic.fields import FieldInfo

ENVIRONMENT_PREFIX = "HPO_TORCH_"
# These variables are not settings of a run.
RESERVED_VARIABLES = frozenset(
    {
        "HPO_TORCH_API_KEY",
        "HPO_TORCH_DISABLE_PLUGINS",
        "HPO_TORCH_SERVER_DATABASE",
        "HPO_TORCH_TEST_DATA",
        "HPO_TORCH_VERSION",
        "HPO_TORCH_VOLUME",
        "HPO_TORCH_WORKER_DATA",
    }
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings.

    Attributes:
        origin: Where the values come from, for people ("preset quick", "command line").
        values: By dotted name: {"search.trials": 15, "search.fix.filters": 32}.
    """

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResolvedConfig:
    """The settings of a run and the origin of each.

    Attributes:
        config: All settings, validated.
        origins: Origin by dotted name; a name that is absent has its default.
    """

    config: RunConfig
    origins: Mapping[str, str] = field(default_factory=dict)


def settings_fields() -> dict[str, FieldInfo]:
    """List every setting by dotted name, in the order of the schema."""
    return _leaves(RunConfig, "")


def _leaves(section: type[Section], prefix: str) -> dict[str, FieldInfo]:
    fields: dict[str, FieldInfo] = {}
    for key, info in section.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            fields |= _leaves(inner, f"{prefix}{key}.")
        else:
            fields[prefix + key] = info
    return fields


def _is_mapping(info: FieldInfo) -> bool:
    return get_origin(info.annotation) is dict


def _check_name(name: str) -> None:
    fields = settings_fields()
    if name in fields:
        return
    parts = name.split(".")
    wholes = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    if any(whole in fields and _is_mapping(fields[whole]) for whole in wholes):
        return  # an entry of a mapping
    raise UnknownNameError("setting", name, fields)


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a nested mapping, as YAML gives it, into dotted names.

    Lists stay values, and so does an empty mapping: it empties what lower layers have filled.
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict) and value:
            flat |= {f"{key}.{name}": leaf for name, leaf in flatten(value).items()}
        else:
            flat[str(key)] = value
    return flat


def file_layer(path: Path, origin: str = "") -> Layer:
    """Read a YAML file of settings.

    Raises:
        UsageError: The file cannot be read or is no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"configuration file '{path}' cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"configuration file '{path}' is not valid YAML: {error}") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise UsageError(
            f"configuration file '{path}': expected sections ({', '.join(RunConfig.model_fields)}) "
            f"with settings, got {type(content).__name__}"
        )
    return Layer(origin or f"file {path}", flatten(content))


def preset_layer(name: str) -> Layer:
    """Read a preset that ships with hpo-torch."""
    return file_layer(preset_path(name), f"preset {name}")


def environment_layer(environ: Mapping[str, str] | None = None) -> Layer:
    """Read HPO_TORCH_<SECTION>_<KEY> variables, e.g. HPO_TORCH_DATA_DIR for data.dir.

    Raises:
        UnknownNameError: A variable with the prefix names no setting.
    """
    names = {
        ENVIRONMENT_PREFIX + name.replace(".", "_").upper(): name for name in settings_fields()
    }
    values: dict[str, Any] = {}
    for variable, text in (os.environ if environ is None else environ).items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in RESERVED_VARIABLES:
            continue
        if variable not in names:
            raise UnknownNameError("environment variable", variable, names)
        values[names[variable]] = _parse_mapping(names[variable], variable, text)
    return Layer("environment", flatten(values))


def _parse_mapping(name: str, variable: str, text: str) -> Any:
    """Read the YAML of a variable whose setting is a mapping; other settings take their text."""
    if not _is_mapping(settings_fields()[name]):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{variable}: '{text}' is not a YAML mapping") from error


def split_assignment(text: str, option: str) -> tuple[str, str]:
    """Split NAME=VALUE as `--set` and `--fix` take it."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{option}: expected NAME=VALUE, got '{text}'")
    return name.strip(), value.strip()


def assignments(texts: Iterable[str], option: str) -> dict[str, Any]:
    """Read NAME=VALUE texts; a value is read as YAML, so 3, true, null and [1, 2] have types."""
    values: dict[str, Any] = {}
    for text in texts:
        name, value = split_assignment(text, option)
        try:
            values[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f"{option} {name}: '{value}' is not a YAML value") from error
    return flatten(values)


def _nest(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *parents, key = name.split(".")
        inner = nested
        for depth, parent in enumerate(parents, 1):
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                whole = ".".join(parents[:depth])
                raise UsageError(
                    f"{whole} has a value of its own, so {name} cannot be set beside it"
                )
        inner[key] = dict(value) if isinstance(value, dict) else value
    return nested


def _explain(error: ValidationError, origins: Mapping[str, str]) -> UsageError:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if name not in settings_fields():  # a rule over several settings of a section
        return UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}")
    expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    origin = origins.get(name)
    advice = f"(from {origin}) " if origin else ""
    description = settings_fields()[name].description
    return InvalidValueError(
        name, expected, first["input"], f"{advice}{name}: {description}." if description else advice
    )


def _expanded(layer: Layer) -> Layer:
    """Write out a health preset that a layer names, so that it prevails over lower layers."""
    if layer.values.get("health.preset") is None:
        return layer
    prefix = "health."
    own = {n: value for n, value in layer.values.items() if n.startswith(prefix)}
    nested = _nest({name.removeprefix(prefix): value for name, value in own.items()})
    filled = flatten({"health": with_health_preset(nested)})
    return Layer(layer.origin, {"health.weights": {}, **filled, **layer.values})


def merge_layers(layers: Iterable[Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    """Merge layers, later ones over earlier ones; returns values and origins by dotted name.

    Raises:
        UnknownNameError: A layer names a setting that does not exist.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in map(_expanded, layers):
        for name, value in layer.values.items():
            _check_name(name)
            values.pop(name, None)  # in the order of layers, which `_nest` goes by
            values[name] = value
            origins[name] = layer.origin
    return values, origins


def resolve_config(layers: Iterable[Layer]) -> ResolvedConfig:
    """Merge layers, later ones over earlier ones, and validate the result.

    Raises:
        UnknownNameError: A layer names a setting that does not exist.
        InvalidValueError: A value is impossible; the message says where it came from.
    """
    values, origins = merge_layers(layers)
    try:
        config = RunConfig.model_validate(_nest(values))
    except ValidationError as error:
        raise _explain(error, origins) from None
    return ResolvedConfig(config, origins)


def dump_config(config: RunConfig) -> str:
    """Write all settings as YAML that `file_layer` reads back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
