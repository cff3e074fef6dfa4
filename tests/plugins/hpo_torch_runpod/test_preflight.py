from __future__ import annotations

import subprocess
import sys

import pytest

from hpo_torch import __version__
from hpo_torch.config.remote_schema import RemoteSettings
from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import UnknownNameError, UsageError
from hpo_torch.testing.runpod_standin import Endpoint, Fault
from hpo_torch_runpod import preflight
from hpo_torch_runpod.preflight import check, readiness
from hpo_torch_runpod.rest_api import ApiError

OURS = {"HPO_TORCH_VERSION": __version__}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


@pytest.fixture
def endpoint(standin):
    return standin.add_endpoint(Endpoint(id="ep", env=dict(OURS)))


def settings(**remote):
    return ExecutionSettings(remote=RemoteSettings(**remote))


def test_an_endpoint_is_found_under_its_tier(endpoint, api):
    endpoint.idle_timeout_seconds = 30
    found = check(RemoteSettings(endpoint="ep"), api)
    assert found.settings.endpoints == {"ADA_24": "ep"}
    facts = found.endpoints["ep"]
    assert (facts.idle_timeout, facts.workers_max, facts.version) == (30.0, 3, __version__)
    assert found.prices.source.startswith("catalog")
    assert found.warnings == ()


def test_the_environment_names_an_endpoint(endpoint, api, monkeypatch):
    monkeypatch.setenv("RUNPOD_ENDPOINT_ID", "ep")
    assert check(RemoteSettings(), api).settings.endpoint == "ep"


def test_without_an_endpoint(api):
    with pytest.raises(UsageError, match="expected an endpoint, got none"):
        check(RemoteSettings(), api)


def test_without_a_key(monkeypatch):
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    with pytest.raises(UsageError, match="RUNPOD_API_KEY"):
        check(RemoteSettings(endpoint="ep"))


def test_a_key_that_runpod_does_not_take(endpoint, monkeypatch):
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_NOTVALID")
    with pytest.raises(UsageError, match="does not take the API key") as failure:
        check(RemoteSettings(endpoint="ep"))
    assert "rpa_NOTVALID" not in str(failure.value)


def test_an_endpoint_that_does_not_exist(standin, api):
    standin.add_endpoint(Endpoint(id="abcdef"))
    with pytest.raises(UnknownNameError, match="Did you mean 'abcdef'"):
        check(RemoteSettings(endpoint="abcdeg"), api)


def test_an_endpoint_that_does_not_exist_for_a_key_that_may_not_list_them(standin, api):
    standin.faults.add(Fault(place="manage", kind="answer", status=403, times=None))
    with pytest.raises(UsageError, match="no endpoint 'none'"):
        check(RemoteSettings(endpoint="none"), api)


def test_an_endpoint_without_workers(endpoint, api):
    endpoint.workers_max = 0
    with pytest.raises(UsageError, match="its maximum is 0"):
        check(RemoteSettings(endpoint="ep"), api)


def test_an_image_of_another_version(endpoint, api):
    endpoint.env["HPO_TORCH_VERSION"] = "9.9.9"
    with pytest.raises(UsageError, match=f"has hpo-torch 9.9.9, here is {__version__}"):
        check(RemoteSettings(endpoint="ep"), api)


def test_a_version_that_is_not_known_is_a_warning(endpoint, api):
    endpoint.env.clear()
    endpoint.image = "me/hpo-torch:abc"
    (warning,) = check(RemoteSettings(endpoint="ep"), api).warnings
    assert "is not known" in warning
    assert "me/hpo-torch:abc" in warning


def test_a_key_for_jobs_alone_leaves_doubts_but_works(endpoint, standin, api):
    standin.faults.add(Fault(place="manage", kind="answer", status=403, times=None))
    found = check(RemoteSettings(endpoint="ep", gpu_tier="ADA_24"), api)
    assert found.settings.endpoints == {"ADA_24": "ep"}
    assert found.prices.source == "table of 2026-06-08"
    prices, workers = found.warnings
    assert prices.startswith("prices are those of the table of 2026-06-08")
    assert workers.startswith("workers, GPU and version of the endpoint ep are not checked")


def test_a_tier_that_does_not_exist(endpoint, api):
    with pytest.raises(UnknownNameError, match="GPU tier 'ADA_25'"):
        check(RemoteSettings(endpoints={"ADA_25": "ep"}), api)


def test_a_tier_asked_for_that_no_endpoint_has(endpoint, api):
    with pytest.raises(UsageError, match="no endpoint of GPU tier AMPERE_48 is known"):
        check(RemoteSettings(endpoints={"ADA_24": "ep"}, gpu_tier="AMPERE_48"), api)
    with pytest.raises(UnknownNameError, match="GPU tier 'ADA'"):
        check(RemoteSettings(endpoints={"ADA_24": "ep"}, gpu_tier="ADA"), api)


def test_cards_of_another_tier_than_said(endpoint, api):
    found = check(RemoteSettings(endpoints={"AMPERE_48": "ep"}), api)
    assert found.settings.endpoints == {"ADA_24": "ep"}  # at whose price costs are counted
    (warning,) = found.warnings
    assert warning.startswith("the endpoint ep has cards of ADA_24, not of AMPERE_48")
    with pytest.raises(UsageError, match="no endpoint of GPU tier AMPERE_16 is known, only of ADA"):
        check(RemoteSettings(endpoint="ep", gpu_tier="AMPERE_16"), api)


def test_workers_that_always_run(endpoint, api):
    endpoint.workers_min = 2
    endpoint.command = [sys.executable, "-c", "import time; time.sleep(60)"]
    (warning,) = check(RemoteSettings(endpoint="ep"), api).warnings
    assert "keeps 2 workers running" in warning


def test_runpod_that_does_not_answer(endpoint, standin, api):
    standin.faults.add(Fault(place="health", kind="answer", status=502, times=None))
    with pytest.raises(ApiError, match="HTTP 502"):
        check(RemoteSettings(endpoint="ep"), api)


@pytest.mark.parametrize(
    ("workers", "part"),
    [
        ({"throttled": 2, "idle": 0}, "2 throttled workers and no other: no GPU"),
        ({"unhealthy": 1}, "1 unhealthy workers and no other: their image fails"),
    ],
)
def test_workers_in_trouble_are_a_warning(endpoint, api, monkeypatch, workers, part):
    monkeypatch.setattr(type(api), "health", lambda *_: {"workers": workers})
    (warning,) = check(RemoteSettings(endpoint="ep"), api).warnings
    assert part in warning


def test_one_worker_that_works_is_enough(endpoint, api, monkeypatch):
    monkeypatch.setattr(type(api), "health", lambda *_: {"workers": {"throttled": 2, "idle": 1}})
    assert check(RemoteSettings(endpoint="ep"), api).warnings == ()


def test_readiness_without_a_key_asks_nobody(monkeypatch):
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    found = readiness(settings(endpoint="ep"))
    assert (found.ready, "RUNPOD_API_KEY is not set" in found.reason) == (False, True)


def test_readiness_without_a_key_imports_nothing_heavy():
    code = (
        "import sys; from hpo_torch.config.schema import ExecutionSettings as E;"
        "from hpo_torch_runpod.preflight import readiness; assert not readiness(E()).ready;"
        "print(sorted({'requests', 'tenacity', 'runpod', 'boto3', 'torch'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.stdout == "[]\n", ran.stderr


def test_readiness_without_an_endpoint(standin):
    found = readiness(settings())
    assert (found.ready, found.reason) == (
        False,
        "RunPod is not set up: no endpoint is named",
    )


def test_readiness_for_who_wants_a_device_of_this_machine(endpoint):
    wanted = settings(endpoint="ep").model_copy(update={"device": "cuda:1"})
    found = readiness(wanted)
    assert (found.ready, "this machine is wanted, cuda:1" in found.reason) == (False, True)


def test_readiness_with_something_else_than_a_key(endpoint, monkeypatch):
    monkeypatch.setenv("RUNPOD_API_KEY", "not a key")
    found = readiness(settings(endpoint="ep"))
    assert (found.ready, "expected an API key" in found.reason) == (False, True)
    assert "not a key" not in found.reason


def test_readiness_of_an_endpoint_that_has_scaled_to_zero(endpoint):
    found = readiness(settings(endpoint="ep"))
    assert found.ready
    assert "starts workers when needed" in found.reason


def test_readiness_of_an_endpoint_that_may_have_no_workers(endpoint):
    endpoint.workers_max = 0
    found = readiness(settings(endpoint="ep"))
    assert (found.ready, "its maximum is 0" in found.reason) == (False, True)


@pytest.mark.parametrize(
    ("workers", "ready", "part"),
    [
        ({"idle": 1, "running": 2, "unhealthy": 1}, True, "3 of its workers"),
        ({"initializing": 1}, True, "1 of its workers"),
        ({"throttled": 2, "unhealthy": 1}, False, "2 throttled, 1 unhealthy"),
    ],
)
def test_readiness_goes_by_workers(endpoint, monkeypatch, workers, ready, part):
    monkeypatch.setattr(preflight.RestApi, "health", lambda *_: {"workers": workers})
    found = readiness(settings(endpoint="ep"))
    assert (found.ready, part in found.reason) == (ready, True)


def test_readiness_when_runpod_fails(endpoint, standin):
    standin.faults.add(Fault(place="health", kind="answer", status=500))
    found = readiness(settings(endpoint="ep"))
    assert (found.ready, "HTTP 500" in found.reason) == (False, True)


def test_readiness_of_the_first_endpoint_that_works(endpoint):
    found = readiness(settings(endpoints={"AMPERE_48": "gone", "ADA_24": "ep"}))
    assert found.ready
    assert "endpoint ep" in found.reason
