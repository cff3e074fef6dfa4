"""`hpo-torch show` and `hpo-torch runs`: what earlier searches left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hpo_torch.cli.console import err, out, print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.results.catalogue import RunRow, Sort
from hpo_torch.results.found_paths import folder_there

OutputDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of all runs (default: output.dir, which is runs).", show_default=False
    ),
]


def runs_folder(given: Path | None) -> Path:
    """Return the folder of all runs: as given, or as the environment and the defaults say."""
    from hpo_torch.config.load import environment_layer, resolve_config

    configured = resolve_config([environment_layer()]).config.output.dir
    return given or Path(configured).expanduser()


def find_run(run: str, output_dir: Path | None) -> Path:
    """Take a path, or a run's name in the folder of all runs."""
    given = Path(run)
    if folder_there(given) or given.parent != Path():
        return given
    return runs_folder(output_dir) / run


def show(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    trials: Annotated[bool, typer.Option("--trials", help="List every trial.")] = False,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what came of a run."""
    from hpo_torch.cli.outcome import TOP, print_outcome
    from hpo_torch.results.summary import RunView

    view = RunView.open(find_run(run, output_dir))
    if not as_json:
        print_outcome(out(), view, top=len(view.trials) if trials else TOP)
        return
    print_json(
        {
            "run": str(view.directory.path),
            "summary": view.summary.model_dump(mode="json") if view.summary else None,
            "best": view.best.model_dump(mode="json") if view.best else None,
            "test": view.test_report.model_dump(mode="json") if view.test_report else None,
            "trials": [trial.model_dump(mode="json") for trial in view.trials] if trials else None,
        }
    )


def runs(
    dataset: Annotated[
        str | None, typer.Option(help="Only those of this data set.", show_default=False)
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="Only those of this mode.", show_default=False)
    ] = None,
    state: Annotated[
        Literal["finished", "unfinished"] | None,
        typer.Option(help="Only those that came to their end, or did not.", show_default=False),
    ] = None,
    sort: Annotated[
        Sort, typer.Option(help="By name from A to Z, or by a figure from the highest down.")
    ] = "name",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    limit: Annotated[
        int | None, typer.Option(help="Show this many at most.", min=1, show_default=False)
    ] = None,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder."""
    from hpo_torch.results.catalogue import list_runs, select_runs, sort_runs

    folder = runs_folder(output_dir)
    every = list_runs(folder)
    finished = None if state is None else state == "finished"
    chosen = select_runs(every, dataset=dataset, mode=mode, finished=finished)
    rows = sort_runs(chosen, sort, reverse=reverse)[:limit]
    if as_json:
        print_json([{**_row(row), "path": str(row.path)} for row in rows])
        return
    if not every:
        err().print(f"no runs in {folder}; start one: hpo-torch optimize")
        return
    if not rows:
        err().print(f"none of the {len(every)} runs in {folder} is like that")
        return
    # Where it is no question, names tell when a run began.
    left_out = set() if sort == "started" else {"started"}
    shown = [{n: v for n, v in _row(row).items() if n not in left_out} for row in rows]
    print_table("Runs", tuple(shown[0]), [tuple(map(_text, row.values())) for row in shown])


def _row(row: RunRow) -> dict[str, object]:
    return {
        "run": row.name,
        "dataset": row.dataset,
        "mode": row.mode,
        "objective": row.objective,
        "state": row.problem or ("finished" if row.finished else "not finished"),
        "trials": row.trials,
        "best_score": row.best_score,
        "test_accuracy": row.test_accuracy,
        "started": row.started,
    }


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)
