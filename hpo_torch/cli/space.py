"""`hpo-torch space`: what a search would search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo_torch.cli.console import print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.settings import command_line_layers
from hpo_torch.errors import UsageError
from hpo_torch.hooks.records import DatasetSpec
from hpo_torch.hooks.registry import installed_registry


def space(
    dataset: Annotated[
        str | None,
        typer.Option(help="Data set: `hpo-torch datasets list`.", show_default=False),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Model family: cnn or lstm.", show_default=False)
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A preset: `hpo-torch config presets`.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A YAML file of settings.", show_default=False)
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: not searched; repeatable.", show_default=False),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="SECTION.KEY=VALUE: any setting.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every hyperparameter of a search: what is searched, and what may be fixed."""
    from hpo_torch.config.load import resolve_config
    from hpo_torch.search.families import family_for
    from hpo_torch.search.space_rows import space_rows, value_text
    from hpo_torch.search.study_space import study_space

    fixed_texts = [f"search.fix.{text}" for text in fix or []]
    options = {"data.dataset": dataset, "search.family": family}
    layers = command_line_layers(preset, config, [*(set_ or []), *fixed_texts], options)
    settings = resolve_config(layers).config
    spec = _dataset(settings.data.dataset, named=dataset is not None, family=family)
    if spec.input_shape is None or spec.sizes is None:
        raise UsageError(
            f"the search space of data set '{spec.name}' depends on your own files; name a data "
            "set whose facts are known, of the same kind: `hpo-torch datasets list`"
        )
    found, fixed = study_space(
        settings,
        family_for(spec.kind, settings.search.family),
        input_shape=spec.input_shape,
        examples=spec.sizes[0],
        flips=spec.flips,
    )
    rows = space_rows(found, fixed)
    if as_json:
        print_json({"family": found.family, "dataset": spec.name, "hyperparameters": rows})
        return
    print_table(
        f"Search space of {found.family} for {spec.name}",
        ("hyperparameter", "searched", "default", "meaning"),
        [(r["name"], r["searched"], value_text(r["default"]), _meaning(r)) for r in rows],
    )


def _dataset(name: str, *, named: bool, family: str | None) -> DatasetSpec:
    """Return the data set of the settings; where only a family was named, one that it learns."""
    from hpo_torch.search.families import FAMILIES

    datasets = installed_registry().datasets
    spec = datasets.get(name)
    if named or family is None or family not in FAMILIES or spec.kind == FAMILIES[family].kind:
        return spec
    fitting = (d for d in datasets if d.kind == FAMILIES[family].kind and d.has_facts)
    return next(fitting, spec)


def _meaning(row: Mapping[str, Any]) -> str:
    return f"{row['meaning']} Only where {row['when']}." if row["when"] else str(row["meaning"])
