"""What a search would do, without starting it."""

from __future__ import annotations

import json
import sys

import pytest
from synthetic_study import summary_with

from hpo_torch.protocol.usage import Cost
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch_server import readiness


@pytest.fixture(autouse=True)
def asked(api, monkeypatch):
    """Backends have been asked: the machine has a CPU, RunPod is not set up."""
    told = {
        "local": {"ready": True, "reason": "CPU"},
        "runpod": {"ready": False, "reason": "RunPod is not set up"},
    }
    monkeypatch.setattr(readiness, "FIRST_SECONDS", 60.0)  # a busy machine is slow
    script = f"print({json.dumps(told)!r})"
    api.app.state.readiness._command = (sys.executable, "-c", script)


def validated(api, body, **options):
    response = api.post("/validate", body, **options)
    assert response.status_code == 200
    return response.json()


def test_a_search_is_told_with_its_settings_and_first_trial(api):
    found = validated(api, {"dataset": "digits", "preset": "quick", "options": {"max_epochs": 8}})
    assert (found["valid"], found["problems"], found["warnings"]) == (True, [], [])
    assert found["config"]["search"]["max_epochs"] == 8
    assert found["origins"]["search.max_epochs"] == "request"
    assert found["origins"]["search.trials"] == "preset quick"
    assert found["family"] == "cnn"
    first = found["first_trial"]
    assert first["complete"]
    assert first["hyperparameters"]["optimizer"] == "adamw"
    # 8x8 pixels: 3x3x1x32 weights at 64 places, 3x3x32x32 at 16, then 4*32 to 128 to 10.
    expected = 64 * 9 * 32 + 16 * 9 * 32 * 32 + 128 * 128 + 128 * 10
    assert first["multiply_adds"] == expected
    assert found["place"] == {
        "name": "local",
        "reason": "auto: CPU; not runpod: RunPod is not set up",
        "remote": False,
    }
    assert found["cost"] is None
    assert api.get("/jobs").json()["total"] == 0


def test_nothing_of_it_is_kept(api):
    found = validated(api, {"dataset": "digits", "enqueue": [{"filters": 16}]})
    assert found["first_trial"]["hyperparameters"] == {"filters": 16}
    assert (found["first_trial"]["complete"], found["first_trial"]["multiply_adds"]) == (
        False,
        None,
    )
    assert found["config"]["search"]["enqueue"] is None
    assert not (api.server.settings.state_dir / "queues").exists()


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"dataset": "minst"}, "unknown-name", "Did you mean 'mnist'?"),
        ({"settings": {"search": {"trials": 0}}}, "invalid-value", "search.trials"),
        ({"options": {"output_dir": "/x"}}, "server-setting", "output.dir"),
    ],
    ids=["name", "value", "server"],
)
def test_what_would_be_refused_is_said(api, body, kind, words):
    found = validated(api, body)
    assert not found["valid"]
    (refused,) = found["problems"]
    assert refused["type"] == kind
    assert words in refused["detail"]


def test_a_caller_learns_what_it_may_not_set(api):
    body = {"options": {"data_path": "/etc"}}
    (refused,) = validated(api, body, headers=api.key("ann", "read"))["problems"]
    assert refused["type"] == "scope"


def test_own_data_are_looked_at_later(api, tmp_path):
    body = {"dataset": "folder", "options": {"data_path": str(tmp_path)}}
    found = validated(api, body)
    assert found["valid"]
    assert found["first_trial"] is None
    assert "the data are your own" in found["warnings"][0]


REMOTE = {"dataset": "digits", "trials": 20, "options": {"backend": "runpod"}}


def test_the_cost_of_rented_hardware_is_not_guessed(api):
    found = validated(api, REMOTE)
    assert found["place"] == {"name": "runpod", "reason": "asked for", "remote": True}
    assert found["cost"] == {
        "lower_usd": None,
        "upper_usd": None,
        "max_cost_usd": None,
        "basis": "no earlier job of yours has trained on rented hardware for 'digits'",
    }


@pytest.fixture
def earlier(api):
    """A job of 10 trials that cost 0.20 to 0.40 USD."""
    row = api.job(name="earlier")
    run = RunDirectory.create(row.run.parent, "earlier")
    counts = {"complete": 8, "pruned": 2, "failed": 0}
    cost = Cost(lower=0.2, upper=0.4)
    run.write_summary(summary_with(None).model_copy(update={"counts": counts, "cost": cost}))


def test_an_estimate_goes_by_an_earlier_job(api, earlier):
    cost = validated(api, REMOTE)["cost"]
    assert (cost["lower_usd"], cost["upper_usd"]) == pytest.approx((0.4, 0.8))
    assert "10 trials of job earlier" in cost["basis"]


def test_an_estimate_is_never_above_the_limit(api, earlier):
    body = REMOTE | {"options": {"backend": "runpod", "max_cost": 0.5}}
    cost = validated(api, body)["cost"]
    assert (cost["upper_usd"], cost["max_cost_usd"]) == (0.5, 0.5)
