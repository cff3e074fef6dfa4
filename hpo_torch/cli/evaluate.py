"""`hpo-torch evaluate`: how well a trained model does on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hpo_torch.cli.console import print_json, warn
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.predict import RUN_OR_MODEL, Device
from hpo_torch.cli.results import OutputDir, find_run
from hpo_torch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import DataRequest
    from hpo_torch.results.records import TestReport
    from hpo_torch.results.summary import RunView


def evaluate(
    run: Annotated[str, typer.Argument(help=RUN_OR_MODEL)],
    data_path: Annotated[
        Path | None,
        typer.Option(
            help="Own data of the same classes: a folder of images or a table of texts (default: "
            "the run's data set).",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        Literal["test", "validation"] | None,
        typer.Option(
            help="Which part (default: test; of own data without parts: all).", show_default=False
        ),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="Own table: the column of texts.", show_default=False)
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Own table: the column of labels.", show_default=False)
    ] = None,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Own data: leave unreadable files out.")
    ] = False,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Own data: the data set that reads them (default: the only one of that kind).",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(help="Folder of data files (default: the run's).")
    ] = None,
    mirrored: Annotated[
        bool,
        typer.Option(
            "--mirrored",
            help="Images: classify each one's mirror image too, and take the mean (test-time "
            "augmentation).",
        ),
    ] = False,
    device: Device = "auto",
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Score a run's best model again, or on own data; nothing is written."""
    from hpo_torch.inference.find_checkpoint import run_of
    from hpo_torch.inference.labelled import own_examples, part_of_data_set
    from hpo_torch.inference.load_model import load_model
    from hpo_torch.inference.scoring import score

    columns = {"text_column": text_column, "label_column": label_column}
    if data_path is None:
        _refuse({"dataset": dataset, **columns, "skip_corrupt": skip_corrupt})
    path = find_run(run, output_dir)
    model = load_model(path, device)
    view = run_of(path)
    settings = _settings(view, {"dir": data_dir, **columns})
    if data_path is not None:
        request = _own_request(settings, data_path, skip_corrupt=skip_corrupt)
        examples = own_examples(model, request, dataset, split)
    elif view is None:
        raise UsageError(f"{path} is no run, which would name a data set: expected --data-path")
    else:
        examples = part_of_data_set(model, settings, view.config.search.seed, split or "test", warn)
    if mirrored:
        _check_mirrored(model.kind, settings.dataset if data_path is None else None)
    _show(score(model, examples, mirrored=mirrored), examples.what, mirrored, as_json)


def _show(report: TestReport, what: str, mirrored: bool, as_json: bool) -> None:
    from hpo_torch.cli.evaluation_text import print_evaluation, record_of

    if mirrored:
        what = f"{what}, with mirror images"
    if as_json:
        print_json(record_of(report, what))
    else:
        print_evaluation(report, what)


def _check_mirrored(kind: str, dataset: str | None) -> None:
    """Refuse mirror images where they are none, or are of another class."""
    from hpo_torch.hooks.registry import installed_registry

    if kind != "image":
        raise UsageError(f"--mirrored: expected a model of images, this one classifies {kind}s")
    if dataset is not None and not installed_registry().datasets.get(dataset).flips:
        raise UsageError(
            f"--mirrored: a mirror image of {dataset} may be of another class, or of none. Leave "
            "it out."
        )


def _refuse(own: Mapping[str, str | bool | None]) -> None:
    """Refuse options of own data where none are named: the run's data set has its own."""
    given = [f"--{name.replace('_', '-')}" for name, value in own.items() if value]
    if given:
        raise UsageError(
            f"{', '.join(given)}: only for own data, and the run's data set is scored without "
            "--data-path. Name your data with --data-path, or leave "
            f"{'these' if len(given) > 1 else 'this'} out."
        )


def _settings(view: RunView | None, changed: Mapping[str, str | None]) -> DataSettings:
    """Return the run's data settings, or the defaults, with what was asked for instead."""
    from hpo_torch.config.schema import DataSettings

    settings = DataSettings() if view is None else view.config.data
    return settings.model_copy(update={name: value for name, value in changed.items() if value})


def _own_request(settings: DataSettings, path: Path, *, skip_corrupt: bool) -> DataRequest:
    from hpo_torch.data.requests import data_request

    if settings.path is not None and path.resolve() == Path(settings.path).expanduser().resolve():
        warn(f"the model was trained on a part of {path}: its score on all of it says little")
    own = {"path": str(path), "skip_corrupt": skip_corrupt}
    return data_request(settings.model_copy(update=own), warn=warn)
