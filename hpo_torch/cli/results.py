"""`hpo-torch show` and `hpo-torch runs`: what earlier searches left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo_torch.cli.console import err, out, print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.results.catalogue import RunRow

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
    if given.is_dir() or given.parent != Path():
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
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder."""
    from hpo_torch.results.catalogue import list_runs

    folder = runs_folder(output_dir)
    rows = list_runs(folder)
    if as_json:
        print_json([{**_row(row), "path": str(row.path)} for row in rows])
        return
    if not rows:
        err().print(f"no runs in {folder}; start one: hpo-torch optimize")
        return
    columns = tuple(_row(rows[0]))
    print_table("Runs", columns, [tuple(_text(v) for v in _row(r).values()) for r in rows])


def _row(row: RunRow) -> dict[str, object]:
    return {
        "run": row.name,
        "dataset": row.dataset,
        "mode": row.mode,
        "objective": row.objective,
        "state": row.problem or ("finished" if row.finished else "not finished"),
        "trials": sum(row.counts.values()),
        "best_score": row.best_score,
        "test_accuracy": row.test_accuracy,
    }


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)
