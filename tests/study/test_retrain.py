"""Training a trial again with a scripted backend: real files and storage, no training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from hpo_torch.data.requests import data_request
from hpo_torch.errors import OutputError, UsageError
from hpo_torch.execution.select import Selection
from hpo_torch.hooks.records import BackendSpec
from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView
from hpo_torch.study import retrain as module
from hpo_torch.study.audience import Audience
from hpo_torch.study.plan import plan_study
from hpo_torch.study.repetitions import StudyRunner
from hpo_torch.study.retrain import Wanted, retrain


@pytest.fixture
def backend_class(run_script):
    class Backend(run_script.backend):
        """Leaves checkpoints that can be read."""

        def _finished(self, job, outcome, **words):
            if outcome == "completed":
                content = {"state_dict": {}, "hyper_parameters": {"class_names": ["a", "b"]}}
                torch.save(content, Path(job.output_dir) / "model.ckpt")
            return super()._finished(job, outcome, **words)

    return Backend


@pytest.fixture
def search(run_script, backend_class):
    return lambda script, **words: run_script(script, backend=backend_class(script), **words)


@pytest.fixture
def again(backend_class, registry, monkeypatch):
    """Train a trial of a run again, following a script of its own."""

    def go(run, accuracies, **wanted):
        backend = backend_class([accuracies])
        configs, events = [], []

        def prepare(config, registry, audience):
            configs.append(config)
            plan = plan_study(config, registry, data_request(config.data))
            spec = BackendSpec(name="scripted", target="json:dumps", summary="x", where="here")
            return plan, Selection(spec, "asked for"), backend

        monkeypatch.setattr(module, "prepare", prepare)
        audience = Audience(listeners=[events.append])
        done = retrain(run.run.path, Wanted(settings={}, **wanted), registry, audience)
        return done, backend, configs[0], events

    return go


def test_repetition_has_the_trials_seed_split_and_hyperparameters(search, again):
    run = search([[0.5], [0.6, 0.9]])
    before = run.backend.jobs[1]
    done, backend, _, _ = again(run, [0.6, 0.9], trial=1)
    (job,) = backend.jobs
    for name in ("seed", "split_seed", "hyperparameters", "data", "objective", "training"):
        assert getattr(job, name) == getattr(before, name), name
    assert done.folder == run.run.path / f"retrained/0001-seed-{before.seed}"
    assert (done.comparison.equal, len(done.comparison.epochs)) == (True, 2)
    assert json.loads((done.folder / "result.json").read_text())["trial"] == 1
    assert json.loads((done.folder / "labels.json").read_text()) == ["a", "b"]


def test_seed_epochs_folder_and_name_may_be_others(search, again, tmp_path):
    run = search([[0.5, 0.6]])
    done, backend, _, _ = again(run, [0.55], trial=0, seed=5, epochs=1, root=tmp_path, name="y")
    assert (backend.jobs[0].seed, backend.jobs[0].hyperparameters["epochs"]) == (5, 1)
    assert done.folder == tmp_path / "y"
    assert done.comparison.equal is False


def test_batches_stay_divided_as_they_were(search, again):
    run = search([["out_of_memory", 0.5]])
    assert run.results[0].accumulate == 2
    _, backend, _, _ = again(run, [0.5], trial=0)
    assert backend.jobs[0].accumulate == 2


def test_failed_trial_is_trained_to_its_end(search, again):
    run = search([[0.5, "user_code"], [0.6]])
    done, _, _, _ = again(run, [0.5, 0.7], trial=0)
    assert done.comparison.states == ("failed", "complete")
    # The one epoch that both have is equal.
    assert (done.comparison.equal, len(done.comparison.epochs)) == (True, 1)
    assert RunView(run.run).trials[0].state == "failed"


def test_training_that_fails_again_leaves_its_result(search, again):
    run = search([[0.5, "user_code"], [0.6]])
    done, _, _, _ = again(run, [0.5, "user_code"], trial=0)
    assert (done.result.state, done.result.failure_kind) == ("failed", "user_code")
    assert not (done.folder / "model.ckpt").exists()


def test_listeners_hear_of_the_trial_by_its_number(search, again):
    run = search([[0.5], [0.6]])
    _, _, _, events = again(run, [0.6], trial=1)
    assert {event.trial for event in events if hasattr(event, "trial")} == {1}
    assert events[0].purpose == "retraining"


def test_what_only_a_search_reads_is_not_read(search, again, tmp_path):
    queue = tmp_path / "queue.yaml"
    queue.write_text("- {filters: 16}")
    run = search([[0.5]], enqueue=str(queue), sampler="grid", pruner="asha", timeout=1e6)
    queue.unlink()
    _, _, config, _ = again(run, [0.5], trial=0)
    assert (config.search.enqueue, config.search.pruner, config.search.timeout) == (
        None, "none", None,
    )  # fmt: skip


def test_killed_retraining_goes_on_when_asked_for_again(search, again, monkeypatch):
    run = search([[0.5, 0.6]])

    def fatal(self, live, event):
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(StudyRunner, "_end_attempt", fatal)
        with pytest.raises(SystemError, match="killed"):
            again(run, [0.5, 0.6], trial=0)
    done, backend, _, _ = again(run, [0.5, 0.6], trial=0)
    assert [job.known_epochs for job in backend.jobs] == [2]
    assert done.comparison.equal is True
    log = read_events(done.folder / "training/events.jsonl")
    assert sum(event.kind == "epoch_finished" for event in log) == 2


def test_complete_folder_is_never_overwritten(search, again):
    run = search([[0.5]])
    again(run, [0.5], trial=0)
    with pytest.raises(OutputError, match="exists already"):
        again(run, [0.5], trial=0)


def test_unknown_trial_names_the_nearest_and_the_known_ones(search, again):
    run = search([[0.5], [0.6], [0.7]])
    with pytest.raises(UsageError, match=r"no trial 9\. Did you mean 2\? Known: 0 to 2"):
        again(run, [0.5], trial=9)


def test_trial_in_training_is_not_unknown(search, again):
    # The clock ticks at every look: time is up while the second trial trains.
    clock = iter(range(999))
    run = search([[0.5], [0.6] * 9], clock=lambda: float(next(clock)), timeout=12.0)
    assert (run.states, run.summary.unfinished) == ({0: "complete"}, 1)
    with pytest.raises(UsageError, match="trial 1 of run 'run' has not ended"):
        again(run, [0.5], trial=1)


def test_training_that_fails_is_complete_though_failures_end_a_search(search, again):
    run = search([[0.6], [0.5, "user_code"]], max_failures=1)
    assert run.reason == "1 trials in a row failed"
    done, _, _, _ = again(run, [0.5, "user_code"], trial=1)
    assert (done.reason, done.result.failure_kind) == ("", "user_code")


def test_training_in_a_broken_place_goes_on_when_asked_for_again(search, again):
    run = search([[0.5, 0.6]])
    done, _, _, _ = again(run, [0.5, "backend", 0.6], trial=0)
    assert (done.reason, done.result) == ("trial 0: on purpose", None)
    done, backend, _, _ = again(run, [0.5, 0.6], trial=0)
    assert (done.comparison.equal, backend.jobs[0].known_epochs) == (True, 1)
