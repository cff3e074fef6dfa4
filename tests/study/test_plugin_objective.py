"""An objective of somebody else's plugin decides a search, as any other does."""

from __future__ import annotations

import math
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from hpo_torch.errors import PluginError, UnknownNameError
from hpo_torch.hooks import manager
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.summary import RunView
from hpo_torch.search.objectives import find_objective

EXAMPLE = Path(__file__).parents[1] / "assets" / "third_party_plugin"
ACCURACIES = [[0.6], [0.9], [0.5]]
LOSSES = [1.0, 3.0, 0.5]  # the most accurate network is the one that is sure of its mistakes


@pytest.fixture
def example(monkeypatch):
    """The example plugin, as if it were installed beside hpo-torch's own."""
    monkeypatch.syspath_prepend(EXAMPLE)
    theirs = EntryPoint("hpo_torch_example", "hpo_torch_example.plugin", "hpo_torch")
    ours = [entry for entry in entry_points(group="hpo_torch") if entry.name != theirs.name]
    monkeypatch.setattr(manager, "entry_points", lambda group: [*ours, theirs])
    installed_registry.cache_clear()
    yield
    installed_registry.cache_clear()


def with_losses(events):
    """Give each trial its loss; the scripted backend only knows accuracies."""
    changed = []
    for event in events:
        loss = LOSSES[event.trial]
        for name in ("so_far", "measurements"):
            if measured := getattr(event, name, None):
                update = {name: measured.model_copy(update={"val_loss": loss})}
                event = event.model_copy(update=update)  # noqa: PLW2901
        changed.append(event)
    return changed


@pytest.mark.usefixtures("example")
def test_search_is_steered_by_a_plugins_objective(run_script):
    run = run_script(ACCURACIES, mangle=with_losses, optimize_for="likelihood")
    assert [trial.value for trial in run.study.trials] == pytest.approx(
        [math.exp(-loss) for loss in LOSSES]
    )
    assert run.study.best_trial.number == RunView(run.run).best.trial == 2
    assert {job.objective for job in run.backend.jobs} == {"likelihood"}


def test_the_same_trials_without_it_have_another_winner(run_script):
    run = run_script(ACCURACIES, mangle=with_losses)
    assert RunView(run.run).best.trial == 1


@pytest.mark.usefixtures("example")
def test_health_mode_mixes_a_plugins_objective_with_health(run_script):
    run = run_script(
        ACCURACIES, mangle=with_losses, optimize_for="likelihood", mode="health", health_weight=0.25
    )
    # 0.75 x exp(-loss) + 0.25 x health 0.5
    assert run.study.trials[0].value == pytest.approx(0.75 * math.exp(-1.0) + 0.125)


@pytest.mark.usefixtures("example")
def test_listing_names_the_plugin_of_the_objective():
    objectives = installed_registry().objectives
    assert objectives.plugin_of["likelihood"] == "hpo_torch_example"
    assert objectives.plugin_of["val_accuracy"] == "hpo_torch_health"


def test_a_search_for_an_objective_that_is_not_installed_does_not_begin(run_script):
    with pytest.raises(UnknownNameError, match="unknown objective 'likelihood'"):
        run_script([[0.5]], optimize_for="likelihood")


@pytest.mark.usefixtures("example")
def test_an_objective_that_breaks_ends_the_search_and_says_which(run_script, monkeypatch):
    import hpo_torch_example.likelihood as module

    monkeypatch.setattr(module, "likelihood", lambda *_: 17.0)
    assert find_objective("likelihood").function is module.likelihood
    with pytest.raises(PluginError, match=r"objective 'likelihood': expected 0\.\.1 or None"):
        run_script([[0.5]], optimize_for="likelihood")
