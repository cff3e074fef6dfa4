from __future__ import annotations

import pytest

from hpo_torch import __version__
from hpo_torch.testing.runpod_standin import Endpoint, Fault
from hpo_torch_runpod.deploy import Wanted, carry_out, plan
from hpo_torch_runpod.prices import table_prices
from hpo_torch_runpod.teardown import leftovers, remove

IMAGE = f"ghcr.io/me/hpo-torch:{__version__}"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


def bring_about(api, tiers):
    for step in plan(tiers, Wanted(image=IMAGE), table_prices(), []):
        carry_out(step, api)


def test_everything_of_ours_is_removed_and_nothing_else(standin, api):
    bring_about(api, ["ADA_24"])
    standin.add_endpoint(Endpoint(id="other", name="somebody-elses"))
    standin.add_endpoint(Endpoint(id="older", name="hpo-torch-0.0.1-AMPERE_16"))
    for name in ("hpo-torch-study", "another"):
        standin._account.create_pod(name, IMAGE)
    said = []
    remove(leftovers(api), api, said.append)
    assert [each.id for each in standin.endpoints] == ["other"]
    assert [each["name"] for each in standin.pods] == ["another"]
    assert len(said) == 3
    assert all(line.startswith("removed: ") for line in said)
    assert not leftovers(api)


def test_what_cannot_be_removed_keeps_nothing_else_from_it(standin, api):
    bring_about(api, ["ADA_24", "AMPERE_48"])
    found = leftovers(api)
    said = []
    standin.faults.add(Fault(place="manage", kind="answer", status=400, times=2))
    remove(found, api, said.append)
    assert sorted(line.partition(":")[0] for line in said) == ["not removed", "removed"]
    assert len(standin.endpoints) == 1


def test_an_endpoint_whose_workers_cannot_be_changed_is_deleted_all_the_same(standin, api):
    bring_about(api, ["ADA_24"])
    found = leftovers(api)
    said = []
    standin.faults.add(Fault(place="manage", kind="answer", status=400))
    remove(found, api, said.append)
    assert (said[0].partition(":")[0], standin.endpoints) == ("removed", [])


def test_terminated_pods_are_no_leftovers(api, monkeypatch):
    pods = [
        {"id": "a", "name": "hpo-torch-x", "status": "TERMINATED"},
        {"id": "b", "name": "hpo-torch-x", "status": "EXITED"},
    ]
    monkeypatch.setattr(type(api), "pods", lambda _: pods)
    assert [pod["id"] for pod in leftovers(api).pods] == ["b"]
