from __future__ import annotations

import dataclasses

import pytest
import yaml

from hpo_torch import __version__
from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError
from hpo_torch.testing.runpod_standin import Fault
from hpo_torch_runpod.deploy import (
    Wanted,
    bucket_environment,
    carry_out,
    check_image,
    config_snippet,
    hourly_limit,
    plan,
)
from hpo_torch_runpod.prices import table_prices
from hpo_torch_runpod.rest_api import ApiError

IMAGE = f"ghcr.io/me/hpo-torch:{__version__}"
WANTED = Wanted(image=IMAGE)
PRICES = table_prices()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


def bring_about(api, tiers, wanted=WANTED):
    """Plan and carry out; returns the endpoints by tier, and what was done."""
    steps = plan(tiers, wanted, PRICES, api.endpoints())
    return {step.tier: carry_out(step, api) for step in steps}, [step.action for step in steps]


def test_an_endpoint_per_tier_is_made_once(standin, api):
    first, actions = bring_about(api, ["ADA_24", "AMPERE_48", "ADA_24"])
    assert actions == ["make", "make"]
    assert {each.id: each.name for each in standin.endpoints} == {
        first["ADA_24"]: f"hpo-torch-{__version__}-ADA_24",
        first["AMPERE_48"]: f"hpo-torch-{__version__}-AMPERE_48",
    }
    again, actions = bring_about(api, ["ADA_24", "AMPERE_48"])
    assert (again, len(standin.endpoints)) == (first, 2)
    assert "make" not in actions


def test_an_endpoint_is_as_wanted(standin, api):
    wanted = Wanted(image=IMAGE, workers_max=4, idle_timeout=20, environment={"A": "b"})
    bring_about(api, ["AMPERE_80"], wanted)
    (made,) = standin.endpoints
    assert (made.image, made.gpu_pool, made.gpu_count) == (IMAGE, "AMPERE_80", 1)
    assert (made.workers_min, made.workers_max, made.idle_timeout_seconds) == (0, 4, 20)
    assert made.env == {"HPO_TORCH_VERSION": __version__, "A": "b"}


def test_only_what_differs_is_changed():
    there = {
        **plan(["ADA_24"], WANTED, PRICES, [])[0].content,
        "id": "ep",
        "name": f"hpo-torch-{__version__}-ADA_24 -fb",
        "gpu": {"pools": ["ADA_24"], "count": 1, "minCudaVersion": None},
    }
    assert plan(["ADA_24"], WANTED, PRICES, [there])[0].action == "keep"
    there["workers"] = {"min": 0, "max": 0}
    (step,) = plan(["ADA_24"], WANTED, PRICES, [there])
    assert (step.action, step.endpoint, step.removes) == ("change", "ep", ())
    assert step.content == {"workers": {"min": 0, "max": 3, "idleTimeout": 5}}


def test_what_is_not_asked_for_again_is_taken_away_and_named(standin, api):
    secret = {"OLD": "hidden-value", "KEPT": "1"}
    more = Wanted(image=IMAGE, volume="vol-1", registry="reg-1", environment=secret)
    made, _ = bring_about(api, ["ADA_24"], more)
    less = Wanted(image=IMAGE, environment={"KEPT": "2"})
    (step,) = plan(["ADA_24"], less, PRICES, api.endpoints())
    assert step.removes == ("volume vol-1", "registry reg-1", "variable OLD")
    carry_out(step, api)
    there = api.endpoint(made["ADA_24"])
    assert there["env"] == {"KEPT": "2", "HPO_TORCH_VERSION": __version__}
    assert (there["networkVolumes"], there["registry"]) == ([], None)
    (again,) = plan(["ADA_24"], less, PRICES, api.endpoints())
    assert not {"env", "networkVolumes", "registry"} & set(again.content)
    assert again.removes == ()


def test_volume_and_registry_are_named_where_they_are_wanted():
    wanted = dataclasses.replace(WANTED, volume="vol-1", registry="reg-1")
    content = plan(["ADA_24"], wanted, PRICES, [])[0].content
    assert (content["networkVolumes"], content["registry"]) == (["vol-1"], "reg-1")
    plain = plan(["ADA_24"], WANTED, PRICES, [])[0].content
    assert not {"networkVolumes", "registry"} & set(plain)


def test_secrets_are_in_no_repr():
    wanted = Wanted(image=IMAGE, environment={"KEY": "hidden-value"})
    (step,) = plan(["ADA_24"], wanted, PRICES, [])
    assert "hidden-value" not in repr(wanted) + repr(step)


def test_an_answer_that_is_lost_makes_no_second_endpoint(standin, api):
    standin.faults.add(Fault(place="manage", kind="drop_after", nth=2))
    made, _ = bring_about(api, ["ADA_24"])
    assert [each.id for each in standin.endpoints] == [made["ADA_24"]]


def test_an_endpoint_that_was_not_made_is_an_error(standin, api):
    standin.faults.add(Fault(place="manage", kind="drop_before", nth=2))
    with pytest.raises(ApiError, match="did not answer: POST"):
        bring_about(api, ["ADA_24"])
    assert standin.endpoints == []


@pytest.mark.parametrize("image", ["me/hpo-torch", "me/hpo-torch:latest", "host:5000/hpo-torch"])
def test_an_image_needs_a_tag(image):
    with pytest.raises(InvalidValueError, match="a tag that names one image"):
        check_image(image)


def test_an_image_of_another_version_is_refused():
    with pytest.raises(InvalidValueError, match=f"this version, {__version__}"):
        check_image("me/hpo-torch:9.9.9")
    check_image("me/hpo-torch:a1b2c3")  # says nothing of its version


def test_a_tier_that_does_not_exist_is_refused_before_anything_is_made():
    with pytest.raises(UnknownNameError, match="Did you mean 'AMPERE_48'"):
        plan(["ADA_24", "AMPERE_49"], WANTED, PRICES, [])


def test_hourly_limit_counts_every_worker_of_every_tier():
    # (0.00031 + 0.00034) x 3600 x 3 = 7.02
    assert hourly_limit(["ADA_24", "AMPERE_48"], 3, PRICES) == pytest.approx(7.02)


def test_config_snippet_is_a_configuration():
    from hpo_torch.config.schema import RunConfig

    config = RunConfig.model_validate(yaml.safe_load(config_snippet({"ADA_24": "ep"})))
    assert config.execution.backend == "runpod"
    assert config.execution.remote.endpoints == {"ADA_24": "ep"}


def test_bucket_environment(monkeypatch):
    with pytest.raises(UsageError, match="BUCKET_ACCESS_KEY_ID"):
        bucket_environment()
    monkeypatch.setenv("BUCKET_ACCESS_KEY_ID", "name")
    monkeypatch.setenv("BUCKET_SECRET_ACCESS_KEY", "key")
    assert bucket_environment() == {
        "BUCKET_ACCESS_KEY_ID": "name",
        "BUCKET_SECRET_ACCESS_KEY": "key",
    }
