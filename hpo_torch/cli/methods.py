"""`hpo-torch samplers` and `hpo-torch pruners`: what there is, with which options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from hpo_torch.cli.console import print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.errors import UnknownNameError
from hpo_torch.search.options import Method, OptionRow, option_rows


def samplers(
    name: Annotated[str | None, typer.Argument(help="Show this sampler's options.")] = None,
    as_json: AsJson = False,
) -> None:
    """List how hyperparameters can be chosen; options are set by search.sampler_options.KEY."""
    from hpo_torch.search.sampler_options import SAMPLERS

    _show("sampler", SAMPLERS, name, as_json)


def pruners(
    name: Annotated[str | None, typer.Argument(help="Show this pruner's options.")] = None,
    as_json: AsJson = False,
) -> None:
    """List how bad trials can be stopped early; options are set by search.pruner_options.KEY."""
    from hpo_torch.search.pruner_options import PRUNERS

    _show("pruner", PRUNERS, name, as_json)


def _show(kind: str, methods: Mapping[str, Method], name: str | None, as_json: bool) -> None:
    if name is not None and name not in methods:
        raise UnknownNameError(kind, name, methods)
    if as_json:
        facts = [_facts(method) for method in methods.values()]
        print_json(facts if name is None else _facts(methods[name]))
    elif name is None:
        rows = [
            (m.name, m.summary, "\n".join(_short(row) for row in option_rows(m.options)))
            for m in methods.values()
        ]
        print_table(f"{kind.capitalize()}s", ("name", "summary", "options"), rows)
    else:
        options = option_rows(methods[name].options)
        print_table(
            f"Options of {kind} {name}: --set search.{kind}_options.OPTION=VALUE",
            ("option", "type", "default", "meaning"),
            [(row.name, row.type, _default(row), row.description) for row in options],
        )


def _facts(method: Method) -> dict[str, Any]:
    rows = [dataclasses.asdict(row) for row in option_rows(method.options)]
    return {"name": method.name, "summary": method.summary, "options": rows}


def _short(row: OptionRow) -> str:
    return f"{row.name} ({row.type}) = {_default(row)}"


def _default(row: OptionRow) -> str:
    if row.required:
        return "required"
    if isinstance(row.default, bool):
        return str(row.default).lower()
    return "auto" if row.default is None else str(row.default)
