"""`hpo-torch config`: what a run would do, and where each setting came from."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo_torch.cli.console import out, print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.settings import command_line_layers

config_app = typer.Typer(help="Settings: what they are and come from.", no_args_is_help=True)


@config_app.command("show")
def config_show(
    preset: Annotated[
        str | None, typer.Option(help="A preset: `hpo-torch config presets`.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of settings.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="SECTION.KEY=VALUE.")] = None,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print a file for --config.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print every setting of a run, resolved, and where its value came from."""
    from hpo_torch.config.load import dump_config, flatten, resolve_config, settings_fields

    resolved = resolve_config(command_line_layers(preset, config, set_ or [], {}))
    if as_yaml:
        out().print(dump_config(resolved.config), end="", markup=False, soft_wrap=True)
        return
    values = resolved.config.model_dump(mode="json")
    names = {**dict.fromkeys(settings_fields()), **dict.fromkeys(flatten(values))}
    rows = []
    for name in names:
        value: Any = reduce(getitem, name.split("."), values)
        if isinstance(value, dict) and value:
            continue  # its entries have rows of their own
        rows.append((name, value, resolved.origins.get(name, "default")))
    columns = ("setting", "value", "origin")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("Settings", columns, [(n, _text(value), origin) for n, value, origin in rows])


@config_app.command("presets")
def config_presets(as_json: AsJson = False) -> None:
    """List the presets that ship with hpo-torch."""
    from hpo_torch.config.presets import preset_names, preset_summary

    rows = [(name, preset_summary(name)) for name in preset_names()]
    if as_json:
        print_json([dict(zip(("name", "summary"), row, strict=True)) for row in rows])
        return
    print_table("Presets", ("name", "summary"), rows)


def _text(value: object) -> str:
    return "" if value is None or value == {} else str(value)
