"""Engines that share a study through a database: real server, real files, scripted training."""

from __future__ import annotations

import shutil

import optuna
import pytest
from sqlalchemy import text

from hpo_torch.errors import InvalidValueError, StorageError, UsageError
from hpo_torch.protocol.events import EpochFinished, TrialFinished
from hpo_torch.study import elsewhere, shared_study
from hpo_torch.study.audience import Audience
from hpo_torch.study.elsewhere import PLACE
from hpo_torch.study.optimize import prepare
from hpo_torch.study.patient_storage import PatientStorage
from hpo_torch.study.queue_file import OUTSIDE_ATTRIBUTE
from hpo_torch.study.shared_study import check_shared_study
from hpo_torch.study.sql_leases import SqlLeases
from hpo_torch.study.trial_marks import NEVER_BEGUN

SCRIPT = [[0.5, 0.6], [0.2, 0.3, 0.4], [0.6, 0.9]]


def studies(database):
    storage = PatientStorage(database)
    return [
        optuna.load_study(study_name=name, storage=storage)
        for name in optuna.get_all_study_names(storage)
    ]


def states(database):
    (study,) = studies(database)
    return [trial.state.name for trial in study.trials]


def epochs(done, trial):
    return [
        event.metrics.epoch
        for event in done.events
        if isinstance(event, EpochFinished) and event.trial == trial
    ]


def test_a_second_engine_goes_on_where_the_first_one_stopped(engine, database):
    first = engine("first", interrupts=(4,))  # while trial 1 trains
    assert first.reason == "interrupted"
    assert states(database) == ["COMPLETE", "RUNNING", "WAITING"][: len(states(database))]
    second = engine("second")
    assert second.reason == "all trials done"
    assert states(database) == ["COMPLETE"] * 3
    assert [job.trial for job in second.backend.jobs] == [1, 2]
    assert epochs(second, 1) == [1, 2, 3]  # its log is whole, told again from the stored state
    assert second.states == {0: "complete", 1: "complete", 2: "complete"}
    assert second.summary.counts == {"complete": 3, "pruned": 0, "failed": 0}
    assert second.warnings == []


def test_every_engine_ends_with_the_whole_study_and_its_winner(engine):
    engine("first", interrupts=(4,))
    second = engine("second")
    first = engine("first", again=True)
    for done in (first, second):
        assert [(r.trial, r.score, len(r.epochs)) for r in done.results] == [
            (0, 0.6, 2),
            (1, 0.4, 3),
            (2, 0.9, 2),
        ]
        assert done.summary.best_trial == 2
        assert done.summary.weights_elsewhere is None
        assert done.run.best_checkpoint.read_text() == "weights of trial 2"
        assert done.run.trials_table.read_text().count("\n") == 4
    finished = [e.trial for e in first.events + second.events if isinstance(e, TrialFinished)]
    assert sorted(finished) == [1, 2]  # the first engine's first process has told of trial 0
    assert not list(first.run.path.glob("trials/*/*.ckpt"))


def test_the_winner_of_a_folder_out_of_reach_is_named_with_its_place(engine):
    first = engine("first", [[0.9], [0.5, 0.6]], interrupts=(2,))
    shutil.move(first.run.path, first.run.path.with_name("moved"))
    second = engine("second", [[0.9], [0.5, 0.6]])
    assert [(r.trial, r.score, len(r.epochs)) for r in second.results] == [(0, 0.9, 0), (1, 0.6, 2)]
    assert second.summary.best_trial == 0
    assert second.summary.weights_elsewhere.endswith(":" + str(first.run.best_checkpoint))
    assert second.summary.weights_elsewhere in second.warnings[0]
    assert not second.run.best_model_dir.exists()


def test_a_trial_whose_state_is_out_of_reach_starts_anew(engine):
    first = engine("first", interrupts=(4,))
    assert epochs(first, 1)
    shutil.rmtree(first.run.path)
    second = engine("second")
    assert epochs(second, 1) == [1, 2, 3]
    assert second.states[1] == "complete"


def test_an_engine_that_is_believed_dead_neither_tells_nor_crashes(engine, database):
    def take_over(poll):
        if poll != 2:
            return
        (study,) = studies(database)
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE hpo_torch_leases SET expires = now() - interval '1s'"))
        leases = SqlLeases(database, study, 1)
        lease = leases.take()
        assert leases.finish(lease.trial, "complete")
        study.tell(lease.trial, 0.7)
        leases.close()

    done = engine("late", [[0.1, 0.2, 0.3]], on_poll=take_over)
    assert done.warnings == ["trial 0 belongs to another engine by now"]
    (study,) = studies(database)
    assert [trial.value for trial in study.trials] == [0.7]
    assert done.results == []


def test_a_result_that_was_not_told_is_finished_by_another_engine(engine, database, monkeypatch):
    class KilledError(Exception):
        pass

    def die(*_):
        raise KilledError

    monkeypatch.setattr("hpo_torch.study.conclude.tell", die)
    with pytest.raises(KilledError):
        engine("first", [[0.5, 0.6]])
    monkeypatch.undo()
    assert states(database) == ["RUNNING"]
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE hpo_torch_leases SET expires = now() - interval '1s'"))
    second = engine("second", [[0.5, 0.6]])
    assert states(database) == ["COMPLETE"]
    assert second.states == {0: "complete"}
    first = engine("first", [[0.5, 0.6]], again=True)
    assert first.states == {0: "complete"}
    assert first.results[0].attempt == second.results[0].attempt


def test_an_engine_tidies_up_a_trial_that_was_never_begun(engine, database):
    engine("first", interrupts=(4,))
    (study,) = studies(database)
    study.ask()  # as an engine that died at once would leave it
    second = engine("second", [*SCRIPT, [0.7]], trials=3)
    (study,) = studies(database)
    assert states(database) == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert study.trials[2].user_attrs["rejected"] == NEVER_BEGUN
    assert second.states == {0: "complete", 1: "complete", 3: "complete"}


def test_a_complete_study_has_no_running_trial_though_one_was_asked_for_twice(engine, database):
    def ask_twice(poll):
        if poll == 1:
            studies(database)[0].ask()

    engine("first", [[0.5, 0.6]], on_poll=ask_twice)
    assert states(database) == ["COMPLETE", "FAIL"]


def test_only_engines_with_the_same_settings_join(engine, database_url, make_config):
    engine("first")
    with pytest.raises(UsageError, match=r"search\.seed is 1 there and 2 here"):
        engine("second", seed=2)
    other = make_config(execution={"storage": database_url}, seed=2)
    named = other.model_copy(update={"output": other.output.model_copy(update={"name": "None"})})
    with pytest.raises(UsageError, match=r"search\.seed is 1 there and 2 here"):
        check_shared_study(database_url, named)
    assert not check_shared_study(database_url, other)  # a study of its own name, not begun yet


def test_who_joins_or_resumes_a_begun_study_needs_no_queue_file(
    engine, database_url, make_config, registry, monkeypatch
):
    class SeenError(Exception):
        pass

    def see(config, registry, request, *, begun):
        raise SeenError(begun)

    def begun(name):
        config = make_config(execution={"storage": database_url}, enqueue="gone.yaml")
        output = config.output.model_copy(update={"name": name})
        with pytest.raises(SeenError) as info:
            prepare(config.model_copy(update={"output": output}), registry, Audience())
        return info.value.args[0]

    engine("first")  # whose study has the name "None"
    monkeypatch.setattr("hpo_torch.study.optimize.plan_study", see)
    assert begun("None")
    assert not begun("another")


def test_a_queued_configuration_survives_an_engine_that_died_before_it_began_it(engine, database):
    def lose(poll):
        if poll == 1:
            study = studies(database)[0]
            study.enqueue_trial({"batch_size": 32}, user_attrs={OUTSIDE_ATTRIBUTE: {"epochs": 3}})
            study.ask()  # and dies

    done = engine("first", [[0.5, 0.6], [], [0.7]], trials=2, on_poll=lose)
    assert states(database) == ["COMPLETE", "FAIL", "COMPLETE"]
    assert studies(database)[0].trials[1].user_attrs["rejected"] == NEVER_BEGUN
    values = done.backend.jobs[1].hyperparameters
    assert (values["batch_size"], values["epochs"]) == (32, 3)


def test_weights_that_belong_to_another_trial_by_now_are_not_taken(engine, database):
    first = engine("first", [[0.9], [0.5, 0.6]], interrupts=(2,))
    run = first.run
    winner = run.read_trials()[0]
    assert run.holds_best_model(winner)
    run.best_checkpoint.write_text("weights of another trial")
    run.best_readme.write_text("The weights are those of trial 7")
    second = engine("second", [[0.9], [0.5, 0.6]])
    assert second.summary.best_trial == 0
    assert second.summary.weights_elsewhere.endswith(str(run.best_checkpoint))
    assert not second.run.best_model_dir.exists()


def test_weights_that_change_while_they_are_copied_are_not_taken(engine, monkeypatch):
    first = engine("first", [[0.9], [0.5, 0.6]], interrupts=(2,))
    real = elsewhere.copy_file

    def replaced_first(source, target):
        if source == first.run.best_checkpoint:
            first.run.keep_best_model(first.run.read_trials()[0], source, "another story")
        real(source, target)

    monkeypatch.setattr(elsewhere, "copy_file", replaced_first)
    second = engine("second", [[0.9], [0.5, 0.6]])
    assert second.summary.weights_elsewhere is not None
    assert not second.run.best_model_dir.exists()
    assert not second.run.weights(0).exists()


def test_a_better_trial_that_is_found_while_weights_are_fetched_wins(engine, monkeypatch):
    first = engine("first", [[0.9], [0.5, 0.6]], interrupts=(2,))
    second = engine("second", [[0.9], [0.5, 0.95]], trials=2)
    # As if trial 1 had been finished, by the first engine, after we had read the results.
    shutil.rmtree(first.run.best_model_dir)
    real, calls = shared_study.fetch_results, []

    def late(study, run):
        calls.append(1)
        return real(study, run)[: 1 if len(calls) == 1 else 2]

    monkeypatch.setattr(shared_study, "fetch_results", late)
    again = engine("second", [[0.9], [0.5, 0.95]], trials=2, again=True)
    assert (len(calls), again.summary.best_trial) == (3, 1)
    assert second.run.best_checkpoint.read_text() == "weights of trial 1"


def test_check_shared_study_refuses_to_confirm_winners(database_url, make_config):
    with pytest.raises(InvalidValueError, match=r"search\.confirm: expected 0 .*got 2"):
        check_shared_study(database_url, make_config(confirm=2))


def test_check_shared_study_reports_a_database_that_holds_something_else(
    database, database_url, make_config
):
    with database.engine.begin() as connection:
        connection.execute(text("CREATE VIEW studies AS SELECT 1 AS one"))
    with pytest.raises(StorageError, match="cannot hold a study"):
        check_shared_study(database_url, make_config())


def test_the_database_says_where_a_trial_is_worked_on(engine, database):
    done = engine("first")
    (study,) = studies(database)
    folders = {trial.user_attrs[PLACE]["folder"] for trial in study.trials}
    assert folders == {str(done.run.path)}


def test_no_file_holds_the_password(engine):
    done = engine("first")
    files = [path for path in done.run.path.rglob("*") if path.is_file()]
    assert done.run.config in files
    assert [path for path in files if b"open-sesame" in path.read_bytes()] == []
