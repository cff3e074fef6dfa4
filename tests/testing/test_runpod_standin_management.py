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
    body = {"name": name, "image": "me/ours:1", "serverless": True, "env": {"A": "1"}}
    return ask("v2", "POST", "templates", body).json()


def endpoint(ask, **settings):
    body = {
        "name": "ours",
        "type": "QUEUE",
        "templateId": template(ask)["id"],
        "gpu": {"pools": ["AMPERE_48"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
    }
    return ask("v2", "POST", "serverless", body | settings).json()


def test_an_endpoint_of_a_template_is_made_changed_and_deleted(standin, ask):
    made = endpoint(ask, workers={"max": 2}, timeout=5000)
    assert (made["workers"]["max"], made["env"]) == (2, {"A": "1"})
    kept = standin.endpoints[0]
    assert (kept.gpu_pool, kept.execution_timeout_seconds) == ("AMPERE_48", 5.0)
    assert (kept.command, kept.image) == (COMMAND, "me/ours:1")

    path = f"serverless/{made['id']}"
    assert ask("v2", "PATCH", path, {"workers": {"max": 0}}).json()["workers"]["max"] == 0
    assert ask("v2", "DELETE", path).status_code == 204
    assert ask("v2", "GET", path).status_code == 404
    assert standin.endpoints == []


def test_a_changed_template_leaves_endpoints_as_they_are(standin, ask):
    endpoint(ask)
    path = f"templates/{standin.templates[0].id}"
    changed = ask("v2", "PATCH", path, {"image": "me/ours:2"}).json()
    assert (changed["image"], standin.endpoints[0].image) == ("me/ours:2", "me/ours:1")


def test_a_template_in_use_stays(standin, ask):
    made = endpoint(ask)
    path = f"templates/{standin.templates[0].id}"
    assert ask("v2", "DELETE", path).status_code == 400
    ask("v2", "DELETE", f"serverless/{made['id']}")
    assert ask("v2", "DELETE", path).status_code == 204
    assert ask("v2", "GET", "templates").json() == {"templates": []}


def test_names_of_templates_are_unique(ask):
    template(ask)
    again = ask("v2", "POST", "templates", {"name": "ours", "image": "me/ours:1"})
    assert again.status_code == 400


@pytest.mark.parametrize(
    ("change", "status"),
    [({"templateId": None}, 422), ({"templateId": "none"}, 404), ({"workerMax": 1}, 422)],
    ids=["no template", "unknown template", "unknown field"],
)
def test_a_wrong_endpoint_is_refused(standin, ask, change, status):
    body = {"name": "x", "type": "QUEUE", "scaling": {}, "gpu": {"pools": ["ADA_24"]}} | change
    body = {name: value for name, value in body.items() if value is not None}
    assert ask("v2", "POST", "serverless", body).status_code == status
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
    made = endpoint(ask, workers={"min": 1}, gpu={"pools": ["AMPERE_48"], "count": 2})
    standin.wait_for(lambda: standin.workers and standin.workers[0].process is not None)
    ask("v2", "DELETE", f"serverless/{made['id']}")
    seconds = standin.workers[0].billed_seconds()
    assert seconds >= 1
    bills = ask("v2", "GET", f"billing/serverless?serverlessId={made['id']}").json()
    assert [each["serverlessId"] for each in bills["records"]] == [made["id"]]
    assert bills["metadata"]["totals"]["totalAmount"] == pytest.approx(seconds * 2 * 0.00034)
    assert standin.billed(made["id"]) == pytest.approx(seconds * 2 * 0.00034)


def test_pods_are_listed_and_deleted_and_workers_can_be_too(standin, ask):
    pod = standin._account.create_pod("whole study", "me/ours:1")
    endpoint(ask, workers={"min": 1})
    standin.wait_for(lambda: standin.workers and standin.workers[0].process is not None)
    assert [each["id"] for each in ask("v2", "GET", "pods").json()["pods"]] == [pod["id"]]
    for known in (pod["id"], standin.workers[0].id):
        assert ask("v2", "DELETE", f"pods/{known}").status_code == 204
    assert ask("v2", "DELETE", "pods/none").status_code == 404
    assert standin.pods == []
    standin.wait_for(lambda: standin.workers[0].ended is not None)


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
    assert ask("v2", "GET", "serverless", key="wrong").status_code == 401
    standin.faults.add(Fault(place="manage", kind="answer", status=503))
    assert ask("v2", "GET", "serverless").status_code == 503
    assert ask("v2", "GET", "serverless").status_code == 200
