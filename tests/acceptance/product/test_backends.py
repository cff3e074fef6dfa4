"""Every place where trials can run gives the same kind of run."""

from __future__ import annotations

import pytest
from found_run import BEST_PICTURES
from torch import nn

from hpo_torch.results.event_log import read_events

SIMPLE = ("--mode", "simple")
IN_PROCESS = ("--backend", "in_process")
TWO = ("--backend", "local", "--jobs", "2")


def workers_of(run):
    return {e.worker for e in read_events(run.path / "events.jsonl") if e.kind == "trial_started"}


@pytest.mark.product("T003", "medium")
def test_t003_all_plots_of_two_workers(find):
    run = find(*SIMPLE, "--plots", "all", "--trials", "4", *TWO)
    run.check_complete(4)
    assert len(workers_of(run)) == 2
    for number in range(4):
        run.check_pictures(f"trials/{number:04d}/plots", {"learning_curves", "health"})


@pytest.mark.product("T007", "medium")
def test_t007_best_plots_in_this_process(find):
    run = find(*SIMPLE, "--plots", "best", "--trials", "2", *IN_PROCESS)
    run.check_complete(2)
    run.check_score_is_accuracy()
    run.check_pictures("plots", BEST_PICTURES)
    assert run.summary["backend"].startswith("in_process")


@pytest.mark.product("T011", "low")
def test_t011_no_plots_in_this_process(find):
    run = find(*SIMPLE, "--plots", "none", "--trials", "2", *IN_PROCESS)
    run.check_complete(2)
    run.check_no_pictures()


@pytest.mark.product("T012", "low")
def test_t012_backends_agree(find):
    here = find("--plots", "none", "--trials", "2", "--name", "here", *IN_PROCESS)
    worker = find("--plots", "none", "--trials", "2", "--name", "worker")
    told = ("number", "state", "val_accuracy")
    for one, other in zip(here.rows, worker.rows, strict=True):
        assert {name: one[name] for name in told} == {name: other[name] for name in told}
        for name in ("val_loss", "score", "overall_health"):  # sums whose order may differ
            assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-6)


@pytest.mark.product("T026", "low")
def test_t026_forced_activation_in_this_process(find):
    run = find(*SIMPLE, "--trials", "1", "--activation", "swish", *IN_PROCESS)
    run.check_complete(1)
    run.check_activation("swish", nn.SiLU)
