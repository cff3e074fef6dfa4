from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hpo_torch.config.load import resolve_config
from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.events import HEALTH_STOP
from hpo_torch.protocol.measurements import HealthReading, Measurements
from hpo_torch.results.records import TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.testing.fake_training import fake_metrics

STOP = "all 8 units of activation 'conv1.activation' are dead"


def trial(number, accuracy, overall, share, **changes):
    health = {
        "neuron_utilization": HealthReading(
            value=share, details={"alive": {"conv1.activation": share}}
        ),
        "gradient_health": HealthReading(value=1.0, details={"decades": {"conv1.conv": 0.25}}),
        "calibration": HealthReading(reason="needs 1000 validation examples, there are 288"),
    }
    measured = Measurements(
        val_accuracy=accuracy, val_loss=0.5, last_val_accuracy=accuracy, skill=0.5,
        parameters=10, training_seconds=2.0, health=health, overall_health=overall,
    )  # fmt: skip
    values = {
        "trial": number, "attempt": "a", "state": "complete", "seed": 1, "family": "cnn",
        "score": 0.7 * accuracy + 0.3 * overall, "hyperparameters": {}, "measurements": measured,
        "epochs": [fake_metrics(1)], "started": "2026-11-25T10:20:03.000+00:00", "seconds": 2.0,
    }  # fmt: skip
    return TrialResult(**{**values, **changes})


@pytest.fixture
def run(tmp_path):
    directory = RunDirectory.create(tmp_path / "runs", "first")
    directory.write_config(RunConfig())
    directory.write_trial(trial(0, 0.90, 0.4, 1.0))
    directory.write_trial(trial(1, 0.88, 0.8, 0.9))
    message = f"{HEALTH_STOP}{STOP}: so in epochs 1 and 2"
    directory.write_trial(trial(2, 0.10, 0.0, 0.0, message=message))
    directory.write_trial(trial(3, 0.10, 0.0, 0.0, state="failed", score=None, measurements=None))
    return directory


def test_health_tells_of_the_study_and_its_best_trial(cli, run):
    result = cli("health", "first")
    assert result.code == 0
    assert "Health weighs 30%, and decided" in result.out
    assert "among the 2 within 0.05 of the best accuracy" in result.out
    assert "trial 0 would have won instead of trial 1" in result.out
    assert "never varied: gradient_health; never measured: calibration" in result.out
    assert "Stopped for their health: trial 2." in result.out
    assert "Trial 1: overall health 0.800" in result.out
    rows = [line.split() for line in result.out.splitlines()]
    assert ["conv1", "0.9", "0.25"] in rows
    assert "threshold" not in result.out  # nothing crossed one


def test_health_of_a_chosen_trial_says_what_to_do(cli, run):
    result = cli("health", "first", "--trial", "2")
    assert "Trial 2: overall health 0.000" in result.out
    assert "no unit of 'conv1.activation' responds to any probe example" in result.out
    assert "(threshold: an alive share of 0)" in result.out


def test_health_as_json(cli, run):
    content = json.loads(cli("health", "first", "--trial", "2", "--json").out)
    assert content["study"]["comparison"]["winner"] == 1
    assert content["trial"]["layers"]["alive share"] == {"conv1": 0.0}
    assert content["trial"]["message"].startswith(HEALTH_STOP)
    assert [advice["metric"] for advice in content["trial"]["advice"]] == ["neuron_utilization"]
    reason = content["trial"]["metrics"]["calibration"]["reason"]
    assert reason == "needs 1000 validation examples, there are 288"


def test_unknown_runs_and_trials_are_named(cli, run):
    unknown = cli("health", "frist")
    assert unknown.code == 2
    assert "Did you mean 'first'?" in unknown.err
    missing = cli("health", "first", "--trial", "9")
    assert missing.code == 2
    assert "has no trial 9. Did you mean 3?" in missing.err


def test_a_trial_without_measurements_says_so(cli, run):
    assert "Nothing was measured of trial 3: failed." in cli("health", "first", "--trial", "3").out


def test_show_sums_health_up(cli, run):
    out = cli("show", "first").out
    assert "Stopped for their health: trial 2." in out
    assert "hpo-torch health " in out


@pytest.mark.parametrize(("option", "stop"), [("--no-health-stop", False), ("--health-stop", True)])
def test_the_stop_can_be_turned_off(cli, monkeypatch, option, stop):
    configs = []
    monkeypatch.setattr(
        "hpo_torch.cli.run.run_search",
        lambda layers, **_: configs.append(resolve_config(layers).config),
    )
    assert cli("optimize", option).code == 0
    assert configs[0].health.stop is stop
    assert RunConfig().health.stop is True


def test_health_needs_no_torch(run):
    script = (
        "import sys; from hpo_torch.cli.app import main\n"
        f"sys.argv = ['hpo-torch', 'health', {str(run.path)!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'optuna', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
