from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from hpo_torch.config.schema import RunConfig
from hpo_torch.plots.draw import PICTURES, Drawer, draw_run
from hpo_torch.plots.study_pictures import goal_of
from hpo_torch.plots.style import Look
from hpo_torch.plots.trial_pictures import TRIAL_PICTURES
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView

IMPORTANCE = {"learning_rate": 0.7, "convolution_blocks": 0.3}
BEST = [
    "plots/optimization_history.png",
    "plots/hyperparameter_importance.png",
    "plots/pareto_front.png",
    "plots/learning_curves.png",
    "plots/health.png",
    "plots/health_metrics.png",
    "plots/confusion_matrix.png",
]


def pictures(run):
    return sorted(path.relative_to(run.path).as_posix() for path in run.path.rglob("*.png"))


def test_draw_run_best_draws_the_study_and_its_winner(build_run, twelve_trials, make_report):
    run = build_run(twelve_trials, make_report(10), IMPORTANCE)
    drawings = draw_run(run, "best")
    assert [drawing.path.stem for drawing in drawings] == [picture.name for picture in PICTURES]
    drawn = {d.path.relative_to(run.path).as_posix() for d in drawings if not d.skipped}
    assert set(BEST) <= drawn
    assert set(pictures(run)) <= drawn


def test_draw_run_all_adds_pictures_of_every_trial_with_epochs(
    build_run, twelve_trials, make_report
):
    run = build_run(twelve_trials[2:6], make_report(2), IMPORTANCE)
    drawings = draw_run(run, "all")
    # Trial 5 failed before its first epoch.
    numbers = [2, 3, 4]
    still = [picture.name for picture in TRIAL_PICTURES if not picture.animated]
    drawn = {d.path.relative_to(run.path).as_posix(): d.skipped for d in drawings}
    for number in numbers:
        folder = f"trials/{number:04d}/plots"
        assert {f"{folder}/{name}.png" for name in still} < drawn.keys()
        assert drawn[f"{folder}/learning_curves.png"] == drawn[f"{folder}/health.png"] == ""
    assert not any("0005" in path for path in drawn)
    assert {path for path, skipped in drawn.items() if not skipped} == set(pictures(run))


def test_draw_run_none_draws_nothing(build_run, twelve_trials, make_report):
    run = build_run(twelve_trials, make_report(2), IMPORTANCE)
    assert draw_run(run, "none") == []
    assert pictures(run) == []


def test_draw_run_says_what_it_skipped_and_why(build_run, make_trial):
    run = build_run([make_trial(0, health={})])
    drawings = {drawing.path.stem: drawing.skipped for drawing in draw_run(run, "best")}
    expected = {
        "optimization_history": "",
        "hyperparameter_importance": "importance was not computed: it needs more completed trials",
        "pareto_front": "",
        "learning_curves": "",
        "health": "no health was measured of trial 0",
        "health_metrics": "no health was measured of a completed trial",
        "confusion_matrix": "no model was scored on the test set",
    }
    assert drawings.items() >= expected.items()
    for name, skipped in drawings.items():
        assert (run.path / f"plots/{name}.png").exists() == (not skipped)


def test_draw_run_without_trials_draws_nothing_and_says_why(tmp_path):
    run = RunDirectory.create(tmp_path, "empty")
    run.write_config(RunConfig())
    assert all(drawing.skipped for drawing in draw_run(run, "all"))
    assert pictures(run) == []


def test_front_is_not_drawn_of_a_run_whose_health_is_unknown(build_run, make_trial):
    trial = make_trial(0)
    blind = trial.measurements.model_copy(update={"overall_health": None})
    run = build_run([trial.model_copy(update={"measurements": blind})])
    (front,) = [d for d in draw_run(run, "best") if d.path.stem == "pareto_front"]
    assert front.skipped == "of no completed trial are both val_accuracy and health known"
    assert not front.path.exists()


def test_goal_names_the_share_of_health_in_health_mode_only():
    simple = RunConfig.model_validate({"search": {"mode": "simple", "optimize_for": "val_loss"}})
    assert goal_of(simple) == "val_loss"
    assert goal_of(RunConfig()) == "val_accuracy, 30 % health"


def test_plots_need_neither_pyplot_nor_torch():
    script = (
        "import sys, hpo_torch.plots.draw; "
        "sys.exit(any(name in sys.modules for name in ('matplotlib.pyplot', 'torch', 'optuna')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def broken(subject):
    raise ZeroDivisionError("a scale of no width")


def test_a_picture_that_cannot_be_drawn_is_named_and_the_others_are_drawn(
    build_run, twelve_trials, make_report
):
    run = build_run(twelve_trials, make_report(3), IMPORTANCE)
    pictures = list(PICTURES)
    pictures[0] = replace(pictures[0], draw=broken)
    first, *others = Drawer(RunView(run), Look()).draw(pictures)
    assert first.failed
    assert first.skipped == "could not be drawn: ZeroDivisionError: a scale of no width"
    assert not any(drawing.failed for drawing in others)
    assert any(not drawing.skipped for drawing in others)


def test_a_picture_of_an_earlier_state_goes_where_there_is_nothing_to_draw_any_more(
    build_run, make_trial
):
    run = build_run([make_trial(0, health={})])
    stale = run.plots_dir / "confusion_matrix.png"
    stale.parent.mkdir(exist_ok=True)
    stale.write_bytes(b"of another model")
    draw_run(run, "best")
    assert not stale.exists()
