"""Listings: what plugins offer. None of them imports torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo_torch.cli.console import print_json, print_table
from hpo_torch.hooks.records import DatasetSpec
from hpo_torch.hooks.registry import Catalogue, installed_registry

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

plugins_app = typer.Typer(help="Plugins: what is installed and what it adds.", no_args_is_help=True)
datasets_app = typer.Typer(help="Data sets: which there are.", no_args_is_help=True)
backends_app = typer.Typer(help="Execution backends: where trials run.", no_args_is_help=True)


@plugins_app.command("list")
def plugins_list(as_json: AsJson = False) -> None:
    """List the installed plugins and what each registers."""
    registry = installed_registry()
    catalogues: dict[str, Catalogue[Any]] = {
        "datasets": registry.datasets,
        "health metrics": registry.health_metrics,
        "objectives": registry.objectives,
        "backends": registry.backends,
        "commands": registry.commands,
    }
    rows = []
    for info in registry.plugins.infos:
        adds = {
            kind: sorted(n for n, plugin in catalogue.plugin_of.items() if plugin == info.name)
            for kind, catalogue in catalogues.items()
        }
        rows.append({**dataclasses.asdict(info), "adds": {k: v for k, v in adds.items() if v}})
    if as_json:
        print_json(rows)
        return
    print_table(
        "Plugins",
        ("plugin", "distribution", "version", "status", "adds"),
        [
            (
                row["name"],
                row["distribution"],
                row["version"],
                row["status"],
                "\n".join(f"{kind}: {', '.join(names)}" for kind, names in row["adds"].items()),
            )
            for row in rows
        ],
    )


@datasets_app.command("list")
def datasets_list(as_json: AsJson = False) -> None:
    """List the data sets that installed plugins offer."""
    datasets = installed_registry().datasets
    if as_json:
        print_json([_dataset(spec.name) for spec in datasets])
        return
    rows = [
        (s.name, s.summary, _shape(s.input_shape), *map(_known, (s.num_classes, *_sizes(s))))
        for s in datasets
    ]
    print_table(
        "Data sets", ("name", "summary", "shape", "classes", "train", "test"), rows, numeric=3
    )


@datasets_app.command("show")
def datasets_show(
    name: Annotated[str, typer.Argument(help="Name of a data set.")],
    as_json: AsJson = False,
    preview: Annotated[
        Path | None,
        typer.Option(help="Load the data and draw examples, sizes and classes into this PNG."),
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(help="Preview: folder of data files. [a per-user cache]")
    ] = None,
    data_path: Annotated[
        str | None, typer.Option(help="Preview of own data: a folder or a table.")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="Preview of an own table: the column of texts.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Preview of an own table: the column of labels.")
    ] = None,
) -> None:
    """Show what is known of one data set without loading it, or draw what it looks like."""
    facts = _dataset(name)
    if preview is not None:
        from hpo_torch.cli.preview import write_preview

        options = {
            "data.dir": data_dir,
            "data.path": data_path,
            "data.text_column": text_column,
            "data.label_column": label_column,
        }
        write_preview(installed_registry(), name, preview, options)
    elif as_json:
        print_json(facts)
    else:
        rows = [(fact, _known(value)) for fact, value in facts.items()]
        print_table(f"Data set {name}", ("fact", "value"), rows)


def _dataset(name: str) -> dict[str, Any]:
    datasets = installed_registry().datasets
    spec = datasets.get(name)
    return {
        "name": spec.name,
        "summary": spec.summary,
        "kind": spec.kind,
        "classes": spec.num_classes,
        "input_shape": None if spec.input_shape is None else list(spec.input_shape),
        "training_examples": _sizes(spec)[0],
        "test_examples": _sizes(spec)[1],
        "source": spec.source,
        "plugin": datasets.plugin_of[name],
    }


def _sizes(spec: DatasetSpec) -> tuple[int | None, int | None]:
    return spec.sizes or (None, None)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "x".join(map(str, shape))


def _known(value: object) -> object:
    """Return a value for people; None is what only the user's own files tell."""
    return "-" if value is None else value


@backends_app.command("list")
def backends_list(as_json: AsJson = False) -> None:
    """List the execution backends that installed plugins offer."""
    backends = installed_registry().backends
    rows = [(b.name, b.where, b.summary, backends.plugin_of[b.name]) for b in backends]
    columns = ("name", "where", "summary", "plugin")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("Execution backends", columns, rows)


def objectives(as_json: AsJson = False) -> None:
    """List what can be optimised for."""
    registered = installed_registry().objectives
    columns = ("name", "summary", "modes", "plugin")
    rows = [
        (o.name, o.summary, "health" if o.health_only else "all", plugin)
        for o in sorted(registered, key=lambda objective: (objective.health_only, objective.name))
        for plugin in [registered.plugin_of[o.name]]
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("Objectives", columns, rows)


def modes(as_json: AsJson = False) -> None:
    """List how an objective and health become one score."""
    from hpo_torch.search.modes import MODES

    columns = ("name", "summary")
    rows = [(mode.name, mode.summary) for mode in MODES.values()]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("Modes", columns, rows)
