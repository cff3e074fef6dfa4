"""What the command line says of objective and health as two: the front, its picks, who leads."""

from __future__ import annotations

import io

from rich.console import Console

from hpo_torch.cli.live_picture import render
from hpo_torch.cli.live_state import LiveState
from hpo_torch.cli.outcome import front_lines
from hpo_torch.cli.plain_view import PlainView
from hpo_torch.protocol.events import StudyStarted, TrialFinished
from hpo_torch.protocol.measurements import Measurements
from hpo_torch.results.front import Front, FrontTrial, Picks

STARTED = StudyStarted(
    run="r", dataset="d", mode="pareto", objective="val_accuracy", trials=5, backend="b"
)


def finished(trial, score, health, leader):
    return TrialFinished(
        trial=trial,
        attempt="a",
        state="complete",
        score=score,
        best=leader == trial,
        leader=leader,
        epochs_run=5,
        seconds=2.0,
        measurements=Measurements(
            val_accuracy=score,
            val_loss=0.3,
            last_val_accuracy=score,
            skill=score,
            parameters=100,
            training_seconds=1.0,
            overall_health=health,
        ),
    )


# 2 is more than delta above 0, and 1 within delta of it; 3 is dominated.
EVENTS = [
    STARTED,
    finished(0, 0.90, 0.9, 0),
    finished(1, 0.905, 0.5, 0),
    finished(2, 0.912, 0.1, 1),
    finished(3, 0.80, 0.1, 1),
]


def test_live_view_shows_the_front_and_who_leads():
    state = LiveState()
    for event in EVENTS:
        state.hear(event)
    assert state.best.trial == 1
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(render(state, state.started))
    text = console.export_text()
    assert "front 3 of 4 completed  best val_accuracy: trial 2  0.9120, health 0.100" in text
    assert "best  trial 1  score 0.9050" in text


def test_plain_view_says_when_an_earlier_trial_leads():
    output = io.StringIO()
    view = PlainView(Console(file=output, width=140))
    for event in EVENTS:
        view.hear(event)
    assert output.getvalue().count("leads now") == 1
    assert "trial 1: leads now" in output.getvalue()


def test_outcome_names_front_hypervolume_and_picks():
    front = Front(
        trials=[
            FrontTrial(trial=2, objective=0.912, health=0.1),
            FrontTrial(trial=1, objective=0.905, health=0.5),
        ],
        reference=(0.1, 0.0),
        hypervolume=0.4,
        delta=0.01,
        picks=Picks(healthiest_within_delta=1, best_objective=2),
    )
    assert front_lines(front, "val_accuracy", 4) == [
        "[bold]Front of val_accuracy and health[/bold]  2 of 4 completed trials, "
        "hypervolume 0.4000 above (0.1, 0)",
        "  healthiest within 0.01 of the best: trial 1  val_accuracy 0.9050  health 0.500",
        "  best val_accuracy: trial 2  val_accuracy 0.9120  health 0.100",
    ]
    empty = front.model_copy(update={"trials": [], "picks": None, "hypervolume": 0.0})
    assert len(front_lines(empty, "val_accuracy", 0)) == 1
