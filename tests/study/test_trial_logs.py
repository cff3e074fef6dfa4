"""What loggers are told, read back with the tools of those who read them."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import pytest
from told_study import TRIAL, begun, ended, epoch, study, study_ended

from hpo_torch.config.schema import LoggerSettings, OutputSettings
from hpo_torch.study.audience import Audience
from hpo_torch.study.logger_kinds import LoggerKind
from hpo_torch.study.trial_logs import Book, TrialLogs, trial_logs

CSV = "lightning.pytorch.loggers.CSVLogger"


def tell(output, folder, events):
    """Tell loggers events; returns the warnings."""
    warnings = []
    with trial_logs(output, folder, Audience(warn=warnings.append)) as audience:
        for event in events:
            for listener in audience.listeners:
                listener(event)
    return warnings


def loggers(*paths):
    return OutputSettings(loggers=[LoggerSettings(class_path=path) for path in paths])


def test_tensorboard_reads_curves_health_and_hyperparameters(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    assert tell(OutputSettings(tensorboard=True), tmp_path, TRIAL) == []
    log = EventAccumulator(str(tmp_path / "tensorboard" / "trial-0000"))
    log.Reload()

    def curve(name):
        return [(point.step, point.value) for point in log.Scalars(name)]

    assert curve("train_loss") == [(1, 1.0), (2, 0.5)]
    assert curve("val_accuracy") == [(1, 0.25), (2, 0.5)]
    assert curve("learning_rate") == [(1, 0.125), (2, 0.125)]
    assert curve("health/rank") == [(1, 0.25), (2, 0.25)]
    assert curve("overall_health") == [(1, 0.625), (2, 0.625)]
    assert curve("final/score") == [(2, 0.5)]
    assert "health/calibration" not in log.Tags()["scalars"]  # it was not measured
    started = log.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    values = HParamsPluginData.FromString(started).session_start_info.hparams
    assert values["learning_rate"].number_value == 0.125
    assert values["activation"].string_value == "relu"
    assert values["parameters"].number_value == 10


def test_any_lightning_logger_can_be_configured(tmp_path):
    assert tell(loggers(CSV), tmp_path, TRIAL) == []
    with (tmp_path / "csv" / "trial-0000" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["val_loss"] for row in rows[:2]] == ["2.0", "1.0"]
    assert [row["final/score"] for row in rows] == ["", "", "0.5"]
    assert "activation: relu" in (tmp_path / "csv/trial-0000/hparams.yaml").read_text()


def test_trials_of_a_confirmation_are_told_apart(tmp_path):
    confirming = [study("confirmation"), begun(), epoch(1), ended(), study_ended()]
    last = [begun(1), epoch(1, trial=1), ended(1), study_ended()]
    tell(loggers(CSV), tmp_path, [*TRIAL[:-1], *confirming, *last])
    names = sorted(path.name for path in (tmp_path / "csv").iterdir())
    assert names == ["confirmation-trial-0000", "trial-0000", "trial-0001"]


class Notes:
    """A logger that notes what it is told."""

    def __init__(self, told):
        self.told = told

    def log_hyperparams(self, params):
        self.told.append("hyperparameters")

    def log_metrics(self, metrics, step=None):
        self.told.append(step)

    def save(self):
        pass

    def finalize(self, status):
        self.told.append(status)


def noted(events):
    told = []
    book = Book(LoggerKind("Notes", lambda: Notes(told), {}), Path("runs/x"))
    for event in events:
        book.hear(event)
    return told


def test_another_attempt_goes_on_in_the_same_log():
    told = noted([study(), begun(), epoch(1), begun(attempt="b"), epoch(2), ended()])
    assert told == ["hyperparameters", 1, 2, 2, "success"]


@pytest.mark.parametrize(
    ("state", "status"), [("complete", "success"), ("pruned", "success"), ("failed", "failed")]
)
def test_a_trial_ends_as_it_ended(state, status):
    assert noted([study(), begun(), ended(state=state)])[-1] == status


def test_a_trial_that_was_stopped_with_its_study_has_not_succeeded():
    assert noted([study(), begun(), epoch(1), study_ended()]) == ["hyperparameters", 1, "failed"]


def test_a_trial_that_never_began_to_train_is_not_told():
    assert noted([study(), ended(), study_ended()]) == []


class Broken:
    name = "Broken"

    def __init__(self):
        self.told = 0

    def hear(self, event):
        self.told += 1
        raise OSError("no such server\nwith details")

    def close(self):
        raise AssertionError("closed though it was left out")

    def abandon(self):
        pass


def test_a_broken_logger_is_warned_about_once_and_the_others_go_on():
    warnings, told = [], []
    broken = Broken()
    other = Book(LoggerKind("Notes", lambda: Notes(told), {}), Path("runs/x"))
    logs = TrialLogs([broken, other], warnings.append)
    for event in TRIAL:
        logs.hear(event)
    logs.close()
    assert warnings == ["Broken failed and is left out from now on: no such server"]
    assert broken.told == 1
    assert told == ["hyperparameters", 1, 2, 2, "success"]


class Frail(Notes):
    """Takes nothing of any trial's second epoch; the first trial's does not let itself be ended."""

    def __init__(self, told, trial):
        super().__init__(told)
        self.trial = trial

    def log_metrics(self, metrics, step=None):
        if step == 2:
            raise OSError("no such server")

    def finalize(self, status):
        self.told.append((self.trial, status))
        if self.trial == "trial-0000":
            raise OSError("still no such server")


def frail_logs(warnings, told):
    kind = LoggerKind("Frail", lambda trial: Frail(told, trial), {"trial": "{trial}"})
    return TrialLogs([Book(kind, Path("runs/x"))], warnings.append)


def test_a_logger_that_fails_leaves_no_trial_open():
    warnings, told = [], []
    logs = frail_logs(warnings, told)
    for event in [study(), begun(0), begun(1), begun(2), epoch(2, trial=1), epoch(1)]:
        logs.hear(event)
    logs.close()
    assert warnings == ["Frail failed and is left out from now on: no such server"]
    assert told[:3] == ["hyperparameters"] * 3
    assert told[3:] == [(f"trial-000{trial}", "failed") for trial in range(3)]


def test_a_logger_that_fails_at_a_trials_end_leaves_no_other_open():
    warnings, told = [], []
    logs = frail_logs(warnings, told)
    for event in [study(), begun(0), begun(1), ended(0)]:
        logs.hear(event)
    logs.close()
    assert warnings == ["Frail failed and is left out from now on: no such server"]
    assert ("trial-0001", "failed") in told


def test_a_logger_that_takes_no_hyperparameters_is_ended_all_the_same():
    warnings, told = [], []

    class Mute(Frail):
        def log_hyperparams(self, params):
            raise OSError("no such server")

    kind = LoggerKind("Mute", lambda trial: Mute(told, trial), {"trial": "{trial}"})
    logs = TrialLogs([Book(kind, Path("runs/x"))], warnings.append)
    for event in [study(), begun(1)]:
        logs.hear(event)
    logs.close()
    assert told == [("trial-0001", "failed")]


def test_a_logger_that_hangs_holds_up_nobody_for_ever():
    let_go = threading.Event()

    class Hanging(Broken):
        def hear(self, event):
            let_go.wait(60)

        def close(self):
            pass

    warnings = []
    logs = TrialLogs([Hanging()], warnings.append)
    logs.hear(study())
    logs.close(seconds=0.05)
    let_go.set()
    assert warnings == ["loggers are still busy after 0 s; their last entries are lost"]


class TestOfAStudy:
    """The loggers of a real study, whose trials do what a script says."""

    @pytest.fixture
    def make_config(self, make_config):
        def make(**settings):
            kinds = {"loggers": [{"class_path": CSV}, {"class_path": "csv_that_breaks.Broken"}]}
            config = make_config(**settings)
            return config.model_copy(update={"output": OutputSettings.model_validate(kinds)})

        return make

    def test_every_trial_is_logged_and_a_broken_logger_ends_nothing(
        self, run_script, tmp_path, monkeypatch
    ):
        source = "from lightning.pytorch.loggers import CSVLogger\n\n"
        source += "class Broken(CSVLogger):\n    def __init__(self):\n        raise OSError('no')\n"
        (tmp_path / "csv_that_breaks.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        done = run_script([[0.5, 0.75], [0.25]])
        assert done.states == {0: "complete", 1: "complete"}
        assert "Broken failed and is left out from now on: no" in done.warnings
        rows = {
            folder.name: list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
            for folder in (done.run.path / "csv").iterdir()
        }
        assert [row["val_accuracy"] for row in rows["trial-0000"][:2]] == ["0.5", "0.75"]
        assert [row["val_accuracy"] for row in rows["trial-0001"][:1]] == ["0.25"]
