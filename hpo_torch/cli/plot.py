"""`hpo-torch plot`: draw a run's pictures again, from its folder alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hpo_torch.cli.console import err, out, print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.results import OutputDir, find_run
from hpo_torch.errors import HpoTorchError, InvalidValueError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.plots.draw import Drawing
    from hpo_torch.plots.picture import Picture
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.summary import RunView


def plot(
    run: Annotated[
        str | None,
        typer.Argument(help="A run's folder, or its name in --output-dir.", show_default=False),
    ] = None,
    what: Annotated[
        list[str] | None,
        typer.Option(help="Which picture, may be repeated (default: all).", show_default=False),
    ] = None,
    trial: Annotated[
        int | None,
        typer.Option(
            help="Draw this trial, into its own folder, instead of study, best trial and model.",
            show_default=False,
        ),
    ] = None,
    file_format: Annotated[
        Literal["png", "svg", "pdf"], typer.Option("--format", help="Of all but animations.")
    ] = "png",
    dark: Annotated[bool, typer.Option("--dark", help="On a dark ground: NAME_dark.png.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List what --what takes.")] = False,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Draw a run's pictures again."""
    from hpo_torch.plots.draw import PICTURES, Drawer, find_pictures
    from hpo_torch.plots.style import Look
    from hpo_torch.results.summary import RunView

    if list_all:
        _print_list(PICTURES, as_json=as_json)
        return
    if run is None:
        raise InvalidValueError("RUN", "a run's folder or name (or --list)", None)
    view = RunView.open(find_run(run, output_dir))
    pictures = find_pictures(what) if what else list(PICTURES)
    chosen = None if trial is None else _trial(view, trial)
    if chosen is not None:
        pictures = _of_a_trial(pictures, asked=bool(what))
    drawings = list(Drawer(view, Look(file_format, dark)).draw(pictures, chosen))
    if as_json:
        print_json([_row(drawing) for drawing in drawings])
    else:
        _print(drawings)
    if what and all(drawing.skipped for drawing in drawings):
        raise HpoTorchError("nothing of what was asked for could be drawn")


def _trial(view: RunView, number: int) -> TrialResult:
    known = {trial.trial: trial for trial in view.trials}
    if number not in known:
        raise UnknownNameError("finished trial", str(number), [str(each) for each in known])
    return known[number]


def _of_a_trial(pictures: list[Picture], *, asked: bool) -> list[Picture]:
    others = [picture.name for picture in pictures if picture.of != "trial"]
    if asked and others:
        raise InvalidValueError("--what", "with --trial: pictures of a trial", ", ".join(others))
    return [picture for picture in pictures if picture.of == "trial"]


def _row(drawing: Drawing) -> dict[str, Any]:
    return {
        "picture": drawing.path.stem,
        "path": None if drawing.skipped else str(drawing.path),
        "skipped": drawing.skipped or None,
    }


def _print(drawings: Iterable[Drawing]) -> None:
    for drawing in drawings:
        if drawing.skipped:
            err().print(f"{drawing.path.stem}: not drawn: {drawing.skipped}", markup=False)
        else:
            out().print(str(drawing.path), soft_wrap=True, markup=False, highlight=False)


def _print_list(pictures: Iterable[Picture], *, as_json: bool) -> None:
    rows = [(picture.name, picture.of, picture.summary) for picture in pictures]
    if as_json:
        print_json([dict(zip(("name", "of", "summary"), row, strict=True)) for row in rows])
    else:
        print_table("Pictures", ("name", "of", "shows"), rows)
