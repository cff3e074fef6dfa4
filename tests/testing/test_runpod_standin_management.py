from __future__ import annotations

import sys

import pytest
import requests

from hpo_torch.testing.runpod_standin import Fault, RunpodStandin

COMMAND = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def standin():
    with RunpodStandin(worker_command=COMMAND) as made:
        yield made


@pytest.fixture
def ask(standin):
    environment = standin.environment()
    bases = {
        "v1": environment["RUNPOD_REST_API_URL"],
        "v2": environment["RUNPOD_API_V2_URL"],
        "graphql": environment["RUNPOD_API_BASE_URL"],
    }

    def ask(version, method, path, body=None, key=standin.api_key):
        return requests.request(
            method,
            f"{bases[version]}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            verify=environment["REQUESTS_CA_BUNDLE"],
            timeout=10,
        )

    return ask


def template(ask, name="ours"):
    body = {"name": name, "imageName": "me/ours:1", "isServerless": True, "env": {"A": "1"}}
    return ask("v1", "POST", "templates", body).json()


def endpoint(ask, **settings):
    body = {"name": "ours", "templateId": template(ask)["id"], "gpuTypeIds": ["NVIDIA A40"]}
    return ask("v1", "POST", "endpoints", body | settings).json()


def test_an_endpoint_is_made_changed_and_deleted_with_v1(standin, ask):
    made = endpoint(ask, workersMax=2, executionTimeoutMs=5000, scalerValue=1)
    assert (made["workersMax"], made["scalerValue"], made["env"]) == (2, 1, {"A": "1"})
    kept = standin.endpoints[0]
    assert (kept.gpu_pool, kept.execution_timeout_seconds) == ("AMPERE_48", 5.0)
    assert kept.command == COMMAND

    path = f"endpoints/{made['id']}"
    assert ask("v1", "PATCH", path, {"workersMax": 0}).json()["workersMax"] == 0
    listed = ask("v1", "GET", "endpoints?includeTemplate=true").json()
    assert [each["template"]["imageName"] for each in listed] == ["me/ours:1"]
    assert ask("v1", "DELETE", path).status_code == 204
    assert ask("v1", "GET", path).status_code == 404
    assert standin.endpoints == []


def test_a_template_is_changed_and_its_endpoints_with_it(standin, ask):
    made = endpoint(ask)
    path = f"templates/{made['templateId']}"
    ask("v1", "PATCH", path, {"imageName": "me/ours:2", "env": {"A": "2"}})
    kept = standin.endpoints[0]
    assert (kept.image, kept.env) == ("me/ours:2", {"A": "2"})


def test_a_template_in_use_stays(ask):
    made = endpoint(ask)
    path = f"templates/{made['templateId']}"
    assert ask("v1", "DELETE", path).status_code == 400
    ask("v1", "DELETE", f"endpoints/{made['id']}")
    assert ask("v1", "DELETE", path).status_code == 204
    assert ask("v1", "GET", "templates").json() == []


def test_names_of_templates_are_unique(ask):
    template(ask)
    again = ask("v1", "POST", "templates", {"name": "ours", "imageName": "me/ours:1"})
    assert again.status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x"}, 400),
        ({"name": "x", "templateId": "none"}, 404),
        ({"name": "x", "templateId": "none", "workerMax": 1}, 400),
    ],
    ids=["no template", "unknown template", "unknown field"],
)
def test_a_wrong_endpoint_is_refused(standin, ask, body, status):
    assert ask("v1", "POST", "endpoints", body).status_code == status
    assert standin.endpoints == []


def test_an_endpoint_is_made_from_an_image_with_v2(standin, ask):
    body = {
        "name": "ours",
        "type": "QUEUE",
        "image": "me/ours:1",
        "env": {"A": "1"},
        "gpu": {"pools": ["HOPPER_141"], "count": 2},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
        "workers": {"min": 0, "max": 2, "idleTimeout": 5},
        "timeout": 7000,
    }
    answer = ask("v2", "POST", "serverless", body)
    assert answer.status_code == 201
    assert answer.json().items() >= (body | {"env": {"A": "1"}}).items()
    kept = standin.endpoints[0]
    assert (kept.gpu, kept.gpu_count, kept.workers_max) == ("NVIDIA H200", 2, 2)
    listed = ask("v2", "GET", "serverless").json()["endpoints"]
    assert [each["id"] for each in listed] == [kept.id]
    changed = ask("v2", "PATCH", f"serverless/{kept.id}", {"workers": {"max": 0}}).json()
    assert changed["workers"] == {"min": 0, "max": 0, "idleTimeout": 5}


def test_v2_refuses_an_idle_timeout_with_a_request_count(ask):
    body = {
        "name": "ours",
        "type": "QUEUE",
        "image": "me/ours:1",
        "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 1},
        "workers": {"idleTimeout": 5},
    }
    refused = ask("v2", "POST", "serverless", body)
    assert (refused.status_code, refused.json()["status"]) == (422, 422)


def test_the_catalogue_has_pools_prices_and_availability(standin, ask):
    standin.catalog["NVIDIA H200"].availability = "NONE"
    gpus = ask("v2", "GET", "catalog/gpus?include=AVAILABILITY&product=SERVERLESS").json()["gpus"]
    found = {gpu["id"]: gpu for gpu in gpus}
    assert found["NVIDIA H200"]["availability"] == "NONE"
    assert found["NVIDIA GeForce RTX 4090"]["pool"] == "ADA_24"
    assert found["NVIDIA GeForce RTX 4090"]["price"]["serverless"] == pytest.approx(1.116)
    assert ask("v2", "GET", "catalog/gpus?include=AVAILABILITY").status_code == 400


def test_workers_cost_from_their_start_to_their_end(standin, ask):
    made = endpoint(ask, workersMin=1, gpuCount=2)
    standin.wait_for(lambda: standin.workers and standin.workers[0].process is not None)
    ask("v1", "DELETE", f"endpoints/{made['id']}")
    seconds = standin.workers[0].billed_seconds()
    assert seconds >= 1
    bills = ask("v2", "GET", f"billing/serverless?serverlessId={made['id']}").json()
    assert [each["serverlessId"] for each in bills["records"]] == [made["id"]]
    assert bills["metadata"]["totals"]["totalAmount"] == pytest.approx(seconds * 2 * 0.00034)
    assert standin.billed(made["id"]) == pytest.approx(seconds * 2 * 0.00034)


def test_pods_are_listed_and_deleted_and_workers_are_pods(standin, ask):
    pod = ask("v1", "POST", "pods", {"name": "whole study", "imageName": "me/ours:1"}).json()
    endpoint(ask, workersMin=1)
    standin.wait_for(lambda: standin.workers and standin.workers[0].process is not None)
    assert [each["id"] for each in ask("v1", "GET", "pods").json()] == [pod["id"]]
    everyone = ask("v1", "GET", "pods?includeWorkers=true").json()
    assert [each["id"] for each in everyone] == [pod["id"], standin.workers[0].id]
    assert ask("v1", "DELETE", f"pods/{pod['id']}").status_code == 204
    assert standin.pods == []


def test_graphql_knows_what_the_sdk_asks(standin, ask):
    made = template(ask)

    def query(text):
        return ask("graphql", "POST", "graphql", {"query": text}).json()

    one = query('query { gpuTypes(input: {id: "NVIDIA H200"}) { id memoryInGb } }')
    assert [gpu["memoryInGb"] for gpu in one["data"]["gpuTypes"]] == [141]
    saved = query(
        f'mutation {{ saveEndpoint(input: {{ name: "e", templateId: "{made["id"]}", '
        'gpuIds: "ADA_24", workersMax: 2 }) { id } }'
    )
    assert saved["data"]["saveEndpoint"]["id"] == standin.endpoints[0].id
    listed = query("query { myself { endpoints { id } } }")
    assert len(listed["data"]["myself"]["endpoints"]) == 1
    assert "does not know" in query("query { dogs }")["errors"][0]["message"]


def test_management_needs_the_key_and_has_faults_too(standin, ask):
    for version, path in (("v1", "endpoints"), ("v2", "serverless")):
        assert ask(version, "GET", path, key="wrong").status_code == 401
    standin.faults.add(Fault(place="manage", kind="answer", status=503))
    assert ask("v1", "GET", "endpoints").status_code == 503
    assert ask("v1", "GET", "endpoints").status_code == 200
