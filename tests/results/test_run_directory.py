from __future__ import annotations

import json
import math
import os
import stat

import pytest
import yaml

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import InvalidValueError, OutputError, UnknownNameError
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.results.environment import describe_environment
from hpo_torch.results.records import TestReport
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_paths import run_names


def test_create_refuses_an_existing_name(run):
    with pytest.raises(OutputError, match=r"exists already. Choose another name"):
        RunDirectory.create(run.path.parent, run.name)


def test_create_takes_a_folder_whose_process_was_killed_before_it_began(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.engine.lock").touch()
    assert RunDirectory.create(tmp_path, "run").path == tmp_path / "run"
    (tmp_path / "run/notes.txt").touch()
    with pytest.raises(OutputError, match="exists already"):
        RunDirectory.create(tmp_path, "run")


def test_create_refuses_a_name_with_a_separator_and_makes_nothing(tmp_path):
    with pytest.raises(InvalidValueError, match=r"run name"):
        RunDirectory.create(tmp_path, "../elsewhere")
    assert list(tmp_path.iterdir()) == []


def test_create_below_a_regular_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file/runs/first: Not a directory"):
        RunDirectory.create(tmp_path / "file" / "runs", "first")


def test_open_lists_known_runs_for_an_unknown_one(run):
    with pytest.raises(UnknownNameError, match=r"unknown run 'fist'. Did you mean 'first'"):
        RunDirectory.open(run.path.parent / "fist")


def test_open_refuses_a_folder_that_is_no_run(run):
    (run.path.parent / "other").mkdir()
    with pytest.raises(OutputError, match=r"no run: it has no config.yaml.*beside it: first"):
        RunDirectory.open(run.path.parent / "other")


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}/run"])
def test_open_of_a_name_longer_than_names_can_be_is_an_unknown_run(tmp_path, name):
    with pytest.raises(UnknownNameError, match="unknown run"):
        RunDirectory.open(tmp_path / name)


def test_open_takes_an_existing_run(run):
    assert RunDirectory.open(run.path).name == "first"


def test_run_names_skips_what_is_no_run(run):
    root = run.path.parent
    (root / "folder").mkdir()
    (root / "file").write_text("")
    assert run_names(root) == ["first"]
    assert run_names(root / "absent") == []


def test_run_names_of_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot read"):
        run_names(tmp_path / "file")


def test_write_config_can_be_read_back(run):
    config = RunConfig.model_validate(
        {"search": {"trials": 3, "fix": {"learning_rate": 1e-5}}, "data": {"dataset": "gtsrb"}}
    )
    run.write_config(config)
    assert RunConfig.model_validate(yaml.safe_load(run.config.read_text())) == config


def test_write_trial_leaves_all_its_files(run, make_trial):
    trial = make_trial(7)
    run.write_trial(trial)
    folder = run.path / "trials" / "0007"
    assert sorted(path.name for path in folder.iterdir()) == [
        "epochs.csv",
        "health.json",
        "result.json",
    ]
    assert run.read_trials() == [trial]
    health = json.loads((folder / "health.json").read_text())
    assert health["overall_health"] == 0.9
    assert health["metrics"]["neuron_utilization"]["details"] == {"layers": {"a": 0.9}}
    assert health["metrics"]["training_stability"]["reason"] == "too few steps"


def test_write_trial_without_measurements_says_that_no_health_was_measured(run, make_trial):
    run.write_trial(make_trial(0, "failed", None, measurements=None, epochs=[], kept_epoch=None))
    health = json.loads((run.trial_dir(0) / "health.json").read_text())
    assert health == {"overall_health": None, "metrics": {}}


def test_health_json_is_strict_even_with_details_that_are_not_finite(run, make_trial, measurements):
    reading = HealthReading(value=0.0, details={"decades": {"a": math.inf, "b": math.nan}})
    run.write_trial(
        make_trial(measurements=measurements.model_copy(update={"health": {"x": reading}}))
    )
    health = json.loads((run.trial_dir(0) / "health.json").read_text())
    assert health["metrics"]["x"]["details"] == {"decades": {"a": "Infinity", "b": "NaN"}}


def test_trials_csv_holds_every_trial_also_after_reopening(run, make_trial):
    for number in (1, 0):
        run.write_trial(make_trial(number))
        run.add_to_table(make_trial(number))
    again = RunDirectory.open(run.path)
    again.write_trial(make_trial(2))
    again.add_to_table(make_trial(2))
    again.write_table()
    lines = run.trials_table.read_text().splitlines()[1:]
    assert [line.split(",")[:3] for line in lines] == [
        ["0", "complete", "0.5"],
        ["1", "complete", "0.5"],
        ["2", "complete", "0.5"],
    ]


def test_write_best_has_the_documented_keys(run, make_trial):
    config = RunConfig.model_validate({"search": {"health_weight": 0.4}})
    run.write_best(make_trial(3, score=0.875), config)
    content = yaml.safe_load(run.best_hyperparameters.read_text())
    assert content == {
        "dataset": "digits",
        "optimization_mode": "health",
        "objective": "val_accuracy",
        "health_weight": 0.4,
        "best_value": 0.875,
        "trial": 3,
        "hyperparameters": {"learning_rate": 0.001, "activation": "relu"},
    }


def test_write_best_has_no_health_weight_where_health_plays_no_part(run, make_trial):
    run.write_best(make_trial(), RunConfig.model_validate({"search": {"mode": "simple"}}))
    assert yaml.safe_load(run.best_hyperparameters.read_text())["health_weight"] is None


def test_keep_best_model_keeps_the_very_weights(run, make_trial):
    for number, content in enumerate((b"weights of 0", b"weights of 1")):
        run.write_trial(make_trial(number))
        run.weights(number).write_bytes(content)
    run.keep_best_model(make_trial(0))
    run.keep_best_model(make_trial(1, score=0.875, kept_epoch=2))
    run.drop_checkpoints(1)
    assert run.best_checkpoint.read_bytes() == b"weights of 1"
    assert not run.weights(1).exists()
    assert run.weights(0).read_bytes() == b"weights of 0"
    assert "trial 1, epoch 2, score 0.8750" in (run.best_model_dir / "README.md").read_text()
    kept = yaml.safe_load((run.best_model_dir / "hyperparameters.yaml").read_text())
    assert kept == {
        "family": "cnn",
        "hyperparameters": {"learning_rate": 0.001, "activation": "relu"},
    }


def test_keep_best_model_names_missing_weights(run, make_trial):
    with pytest.raises(OutputError, match=r"cannot read .*0004/model.ckpt: No such file"):
        run.keep_best_model(make_trial(4))


def test_keep_best_model_removes_an_earlier_winners_test_report(run, make_trial):
    run.write_test_report(TestReport.from_confusion([[1, 0], [0, 1]], ["a", "b"], 0.1))
    run.write_trial(make_trial(1))
    run.weights(1).write_bytes(b"weights")
    run.keep_best_model(make_trial(1))
    assert not run.test_report.exists()


def test_drop_checkpoints_removes_weights_and_state_and_nothing_where_there_are_none(run):
    run.drop_checkpoints(5)
    assert not run.trial_dir(5).exists()
    run.trial_dir(6).mkdir(parents=True)
    run.weights(6).write_bytes(b"weights")
    run.training_state(6).write_bytes(b"state")
    run.drop_checkpoints(6)
    assert list(run.trial_dir(6).iterdir()) == []


def test_drop_leftovers_removes_temporary_files_only(run, make_trial):
    run.write_trial(make_trial(0))
    files = set(run.path.rglob("*"))
    (run.trial_dir(0) / ".result.json.1-2.tmp").write_bytes(b"half")
    run.drop_leftovers()
    assert set(run.path.rglob("*")) == files


def test_drop_leftovers_leaves_a_retraining_alone_that_is_at_work(run):
    working = run.retrained_dir / "0003-seed-7" / "training"
    working.mkdir(parents=True)
    (working / ".result.json.1-2.tmp").write_bytes(b"half")
    run.drop_leftovers()
    assert (working / ".result.json.1-2.tmp").exists()
    RunDirectory(working).drop_leftovers()  # as a retraining does with its own
    assert list(working.iterdir()) == []


def test_holds_best_model_says_whose_weights_are_whole(run, make_trial):
    trial, other = make_trial(0), make_trial(1)
    run.weights(0).parent.mkdir(parents=True)
    run.weights(0).write_bytes(b"weights")
    assert not run.holds_best_model(trial)
    run.keep_best_model(trial)
    assert run.holds_best_model(trial)
    assert not run.holds_best_model(trial, "confirmed")
    assert not run.holds_best_model(other)


def test_keep_best_model_that_is_cut_short_says_nothing_of_the_weights(
    run, make_trial, monkeypatch
):
    trial = make_trial(0)
    run.weights(0).parent.mkdir(parents=True)
    run.weights(0).write_bytes(b"weights")
    run.keep_best_model(trial)

    def full(*_):
        raise OutputError("disk full")

    monkeypatch.setattr("hpo_torch.results.run_directory.copy_file", full)
    with pytest.raises(OutputError):
        run.keep_best_model(trial, story="another")
    assert not run.holds_best_model(trial)


def test_write_test_report_writes_the_labels_too(run):
    run.write_test_report(TestReport.from_confusion([[1, 0], [0, 1]], ["Katze", "größer"], 0.1))
    assert json.loads((run.best_model_dir / "labels.json").read_text()) == ["Katze", "größer"]
    assert json.loads(run.test_report.read_text())["accuracy"] == 1.0


def test_add_traceback_keeps_every_attempts_once(run):
    run.add_traceback(2, "a1", 1, "Traceback 1")
    run.add_traceback(2, "b2", 2, "Traceback 2\n")
    run.add_traceback(2, "b2", 2, "Traceback 2\n")
    assert (run.path / "trials" / "0002" / "traceback.txt").read_text() == (
        "---- attempt 1 (a1) ----\nTraceback 1\n---- attempt 2 (b2) ----\nTraceback 2\n"
    )


def test_write_environment_names_the_devices(run):
    run.write_environment(describe_environment(["NVIDIA H100"]))
    assert json.loads(run.environment.read_text())["devices"] == ["NVIDIA H100"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_written_files_follow_the_umask(run):
    old = os.umask(0o022)
    try:
        run.write_config(RunConfig())
    finally:
        os.umask(old)
    assert stat.S_IMODE(run.config.stat().st_mode) == 0o644


def test_trials_that_somebody_has_read_are_not_read_again_for_the_table(
    run, make_trial, monkeypatch
):
    run.write_trial(make_trial(0))
    monkeypatch.setattr(run, "read_trials", lambda: pytest.fail("they were read"))
    run.write_table([make_trial(1), make_trial(0)])
    lines = run.trials_table.read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["0", "1"]
