"""`hpo-torch health`: what health was worth in a run, and how healthy a trial is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_torch.cli.console import out, print_json
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.results import OutputDir, find_run

if TYPE_CHECKING:
    from hpo_torch.results.records import TrialResult


def health(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    trial: Annotated[
        int | None,
        typer.Option(
            help="Number of the trial to look at (default: the best).", show_default=False
        ),
    ] = None,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what health was worth in a run, and how healthy its best trial is, layer by layer."""
    from hpo_torch.cli.health_text import print_study_health, print_trial_health
    from hpo_torch.results.health_report import study_health
    from hpo_torch.results.summary import RunView
    from hpo_torch.study.earlier_trial import find_trial

    view = RunView.open(find_run(run, output_dir))
    chosen = view.best if trial is None else find_trial(view, trial)
    report = study_health(view)
    if as_json:
        print_json({"study": report.model_dump(mode="json"), "trial": _trial_json(chosen)})
        return
    console = out()
    if not console.is_terminal:
        console.width = 200  # in a pipe nothing is wrapped
    print_study_health(console, report)
    if chosen is None:
        console.print("No trial has completed yet.")
    elif chosen.measurements is None:
        why = chosen.failure_kind or chosen.state
        console.print(f"Nothing was measured of trial {chosen.trial}: {why}.")
    else:
        print_trial_health(console, view, chosen.trial, chosen.measurements)


def _trial_json(trial: TrialResult | None) -> dict[str, Any] | None:
    from hpo_torch.results.health_advice import advise
    from hpo_torch.results.layer_figures import layer_figures

    if trial is None:
        return None
    measured = trial.measurements
    readings = {} if measured is None else measured.health
    return {
        "trial": trial.trial,
        "message": trial.message,
        "overall_health": None if measured is None else measured.overall_health,
        "metrics": {
            name: reading.model_dump(mode="json", include={"value", "reason"})
            for name, reading in readings.items()
        },
        "layers": {
            figure.label: {layer: _plain(value) for layer, value in figure.values.items()}
            for figure in layer_figures(readings)
        },
        "advice": [advice.model_dump() for advice in advise(readings)],
    }


def _plain(value: float) -> float | str | None:
    """JSON has no number that is not finite: nan was not measured, inf is a word."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)
