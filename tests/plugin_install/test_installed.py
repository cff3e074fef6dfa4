"""The installed wheel with a third party's plugin: everything it registers works in a real run."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import pytest
import yaml
from hpo_torch_example import shapes
from PIL import Image

import hpo_torch

PROGRAM = Path(sys.executable).with_name("hpo-torch")
WEIGHTS = {  # the defaults of all metrics that are installed here
    "neuron_utilization": 0.20,
    "training_stability": 0.30,
    "gradient_health": 0.20,
    "parameter_efficiency": 0.10,
    "generalization": 0.10,
    "calibration": 0.10,
    "accuracy_consistency": 0.0,
    "convergence_quality": 0.0,
    "dormancy": 0.0,
    "gate_saturation": 0.0,
    "gradient_noise_scale": 0.0,
    "rank": 0.0,
    "update_ratios": 0.0,
    "weight_distributions": 0.0,
    "bias_smallness": 0.50,
}


def hpo_torch_output(*arguments: str, folder: Path) -> str:
    # In a folder of its own: a Python process that the program starts would find a source tree.
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_hpo_torch_comes_from_the_wheel_and_is_there_once():
    assert Path(hpo_torch.__file__).is_relative_to(sys.prefix)
    assert [each.name for each in distributions()].count("hpo-torch") == 1


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["plugins", "list"], "hpo_torch_example"),
        (["datasets", "list"], "example_shapes"),
        (["plugins", "list", "--json"], "bias_smallness"),
        (["backends", "list"], "subprocess_once"),
        (["objectives"], "likelihood"),
        (["--help"], "example"),
    ],
)
def test_listing_shows_the_plugins_part(command: list[str], name: str, tmp_path: Path):
    assert name in hpo_torch_output(*command, folder=tmp_path)


def test_command_of_the_plugin_draws(tmp_path: Path):
    drawn = hpo_torch_output("example", "draw", "cross", "--radius", "2.5", folder=tmp_path)
    assert drawn.splitlines()[7] == ".....######....."


def test_presets_are_inside_the_wheel():
    from hpo_torch.config.presets import preset_names, presets_folder

    assert presets_folder().is_relative_to(sys.prefix)
    assert preset_names() != []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    settings = {
        "data": {"dataset": "example_shapes"},
        "search": {
            "mode": "health",
            "optimize_for": "likelihood",
            "trials": 2,
            "min_epochs": 2,
            "max_epochs": 2,
        },
        "execution": {"backend": "subprocess_once"},
        "output": {"dir": str(folder), "name": "shapes"},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXAMPLE_TRIAL_LOG", str(folder / "trials.log"))
        hpo_torch_output("optimize", "--config", "settings.yaml", folder=folder)
    return folder / "shapes"


def test_run_trained_in_the_plugins_backend(run: Path):
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    workers = {each["worker"] for each in events if each["kind"] == "trial_started"}
    assert len(workers) == 2  # a process a trial
    assert all(worker.startswith("subprocess-") for worker in workers)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["counts"]["failed"] == 0


def test_plugins_metric_is_measured_and_weighs(run: Path):
    result = json.loads((run / "trials/0000/result.json").read_text())
    health = json.loads((run / "trials/0000/health.json").read_text())
    values = {name: reading["value"] for name, reading in health["metrics"].items()}
    assert 0.0 < values["bias_smallness"] <= 1.0
    assert set(values) == set(WEIGHTS)
    measured = {name: value for name, value in values.items() if value is not None}
    total = sum(WEIGHTS[name] for name in measured)
    logs = sum(WEIGHTS[name] * math.log(max(value, 0.01)) for name, value in measured.items())
    gate = min(1.0, result["measurements"]["skill"] / 0.10)
    assert health["overall_health"] == pytest.approx(gate * math.exp(logs / total))


def test_plugins_objective_is_the_score_beside_health(run: Path):
    for trial in ("0000", "0001"):
        result = json.loads((run / "trials" / trial / "result.json").read_text())
        measured = result["measurements"]
        likelihood = math.exp(-measured["val_loss"])
        expected = 0.7 * likelihood + 0.3 * (measured["overall_health"] or 0.0)
        assert result["score"] == pytest.approx(expected)


def test_plugins_observer_saw_every_trial(run: Path):
    lines = (run.parent / "trials.log").read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == ["0", "1"]


def test_best_model_is_used_without_its_data(run: Path, tmp_path: Path):
    card = (run / "best_model/README.md").read_text(encoding="utf-8")
    assert "## On the test set" in card
    images, _ = shapes.draw_set(np.random.default_rng(5), 6)
    for number, image in enumerate(images):
        Image.fromarray(image[0]).save(tmp_path / f"{number}.png")
    said = json.loads(hpo_torch_output("predict", str(run), ".", "--json", folder=tmp_path))
    assert [each["input"] for each in said] == [f"{number}.png" for number in range(6)]
    model = hpo_torch.load_model(run)
    assert model.class_names == shapes.NAMES
    predicted = model.predict([tmp_path / f"{number}.png" for number in range(6)])
    assert [each.label for each in predicted] == [each["class"] for each in said]
    assert all(sum(each.probabilities) == pytest.approx(1.0) for each in predicted)
