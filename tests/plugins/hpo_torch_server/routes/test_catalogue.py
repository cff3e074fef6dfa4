"""What there is, as the command line lists it; and nothing of it imports torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from api_app import problem

from hpo_torch import __version__
from hpo_torch.config.presets import preset_names
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.search.modes import MODES
from hpo_torch_server import readiness


def test_data_sets_are_those_of_the_plugins(api):
    listed = {each["name"]: each for each in api.get("/datasets").json()["datasets"]}
    assert set(listed) == {spec.name for spec in installed_registry().datasets}
    assert listed["digits"] | {"summary": "", "source": ""} == {
        "name": "digits",
        "summary": "",
        "kind": "image",
        "classes": 10,
        "input_shape": [1, 8, 8],
        "training_examples": 1437,
        "test_examples": 360,
        "source": "",
        "plugin": "hpo_torch_vision",
    }


def test_modes_say_what_they_do_with_health(api):
    listed = api.get("/modes").json()["modes"]
    assert [each["name"] for each in listed] == list(MODES)
    health = next(each for each in listed if each["name"] == "health")
    assert health["weighs_health"]
    assert not health["two_objectives"]


def test_objectives_of_health_alone_are_of_its_mode_alone(api):
    listed = {each["name"]: each for each in api.get("/objectives").json()["objectives"]}
    assert listed["val_accuracy"]["modes"] == list(MODES)
    assert listed["overall_health"]["modes"] == ["health"]
    assert listed["overall_health"]["health_only"]


def test_search_spaces_are_one_of_each_family(api):
    listed = api.get("/search-spaces").json()["search_spaces"]
    assert [each["family"] for each in listed] == ["cnn", "lstm"]


def test_the_search_space_of_a_data_set(api):
    (space,) = api.get("/search-spaces?dataset=digits").json()["search_spaces"]
    rows = {each["name"]: each for each in space["hyperparameters"]}
    assert (space["family"], space["dataset"]) == ("cnn", "digits")
    assert rows["epochs"]["searched"] == "a whole number from 5 to 20"
    assert rows["momentum"]["when"] == "optimizer is sgd"


def test_unknown_names_are_refused_with_the_nearest(api):
    assert "'mnist'" in problem(api.get("/search-spaces?dataset=minst"), 400)["detail"]
    assert "'quick'" in problem(api.get("/search-spaces?preset=quik"), 400)["detail"]


def test_the_search_space_of_own_data_is_not_known(api):
    (own,) = [
        d.name for d in installed_registry().datasets if not d.has_facts and d.kind == "image"
    ]
    assert problem(api.get(f"/search-spaces?dataset={own}"), 400)["type"] == "own-data"


def test_presets_show_what_they_set(api):
    listed = {each["name"]: each for each in api.get("/presets").json()["presets"]}
    assert sorted(listed) == preset_names()
    assert listed["quick"]["settings"]["search.trials"] > 0


def test_plugins_say_what_they_add(api):
    listed = {each["name"]: each for each in api.get("/plugins").json()["plugins"]}
    assert listed["hpo_torch_local"]["status"] == "loaded"
    assert listed["hpo_torch_local"]["adds"]["backends"] == ["in_process", "local"]


@pytest.fixture
def asked(api, monkeypatch):
    """Stand for the child process that asks backends."""
    monkeypatch.setattr(readiness, "FIRST_SECONDS", 60.0)  # a busy machine is slow

    def answer(text, code=0):
        script = f"import sys; print({text!r}); sys.exit({code})"
        api.app.state.readiness._command = (sys.executable, "-c", script)

    return answer


def test_health_says_where_trials_can_run(api, asked):
    asked(json.dumps({"local": {"ready": True, "reason": "CPU"}}))
    api.job()
    found = api.get("/health").json()
    assert (found["status"], found["version"]) == ("healthy", __version__)
    assert found["jobs"] == {"active": 0, "queued": 1, "places": 1}
    backends = {each["name"]: each for each in found["backends"]}
    assert (backends["local"]["ready"], backends["local"]["reason"]) == (True, "CPU")
    assert (backends["in_process"]["ready"], backends["runpod"]["remote"]) == (None, True)
    assert found["backends_checked"].endswith("Z")
    assert found["backends_problem"] == ""


def test_health_is_told_where_backends_cannot_be_asked(api, asked):
    asked("nonsense", code=1)
    found = api.get("/health").json()
    assert found["status"] == "healthy"
    assert found["backends_checked"] is None
    assert "could not be asked" in found["backends_problem"]


@pytest.mark.slow
def test_the_child_process_asks_every_backend_that_auto_may_choose():
    command = [sys.executable, "-m", "hpo_torch_server.readiness"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert set(told) == {spec.name for spec in installed_registry().backends if spec.auto}
    assert told["local"]["ready"] is True
    assert told["runpod"]["ready"] is False


@pytest.mark.slow
def test_a_server_that_lists_and_checks_imports_nothing_heavy(tmp_path):
    script = f"""
import sys
from pathlib import Path
from starlette.testclient import TestClient
from hpo_torch_server.app import create_app
from hpo_torch_server.settings import ServerSettings
app = create_app(ServerSettings(output_dir=Path({str(tmp_path)!r})))
app.state.readiness._command = (sys.executable, "-c", "print('{{}}')")
client = TestClient(app, base_url="http://127.0.0.1")
paths = ["health", "datasets", "modes", "objectives", "search-spaces", "presets", "plugins", "jobs"]
assert all(client.get(f"/api/v1/{{path}}").status_code == 200 for path in paths)
assert client.post("/api/v1/optimize", json={{"dataset": "imdb"}}).status_code == 202
assert client.post("/api/v1/validate", json={{"dataset": "digits"}}).json()["valid"]
heavy = {{"torch", "torchvision", "lightning", "optuna", "matplotlib", "pandas", "sklearn"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
