from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from pydantic import SecretStr

from hpo_torch.testing.runpod_standin import Endpoint, Fault
from hpo_torch_runpod.rest_api import ApiError, RestApi

NEW = {
    "name": "mine",
    "type": "QUEUE",
    "image": "me/x:1.0",
    "gpu": {"pools": ["ADA_24"]},
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


def asked(standin):
    return [(each.method, each.path) for each in standin.counts.exchanges("manage")]


def test_an_endpoint_is_made_changed_and_deleted(standin, api):
    made = api.create_endpoint(NEW)
    assert [each["id"] for each in api.endpoints()] == [made["id"]]
    api.update_endpoint(made["id"], {"workers": {"max": 7}})
    assert api.endpoint(made["id"])["workers"]["max"] == 7
    api.delete_endpoint(made["id"])
    api.delete_endpoint(made["id"])  # gone already: no error
    assert api.endpoints() == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(standin, api, status):
    standin.faults.add(Fault(place="manage", kind="answer", status=status, times=2))
    assert api.endpoints() == []
    assert len(asked(standin)) == 3


def test_a_dropped_connection_is_tried_again(standin, api):
    standin.faults.add(Fault(place="manage", kind="drop_before", times=2))
    assert api.endpoints() == []


def test_tries_end(standin, api):
    standin.faults.add(Fault(place="manage", kind="answer", status=503, times=None))
    with pytest.raises(ApiError, match="HTTP 503") as failure:
        api.endpoints()
    assert failure.value.passing
    assert len(asked(standin)) == 3


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_making_is_not_tried_again_without_an_answer(standin, api, kind):
    standin.faults.add(Fault(place="manage", kind=kind))
    with pytest.raises(ApiError, match="did not answer: POST") as failure:
        api.create_endpoint(NEW)
    assert failure.value.status is None
    assert len(api.endpoints()) == (1 if kind == "drop_after" else 0)


def test_making_is_tried_again_after_too_many_requests(standin, api):
    standin.faults.add(Fault(place="manage", kind="answer", status=429))
    assert api.create_endpoint(NEW)["id"]


def test_a_refusal_says_what_runpod_says(api):
    with pytest.raises(ApiError, match=r"refused POST .*/v2/serverless: HTTP 422 required"):
        api.create_endpoint({"name": "mine"})


def test_a_wrong_key_is_told_and_not_shown(standin):
    wrong = "rpa_WRONGKEY123"
    with pytest.raises(ApiError) as failure:
        RestApi(SecretStr(wrong)).endpoints()
    assert failure.value.unauthorized
    assert wrong not in str(failure.value)


def test_an_answer_of_another_kind_is_an_error(standin, api):
    standin.faults.add(Fault(place="manage", kind="garble", times=None))
    with pytest.raises(ApiError, match="no JSON"):
        api.endpoints()


def test_health(standin, api):
    standin.add_endpoint(Endpoint(id="ep"))
    assert api.health("ep")["jobs"]["inQueue"] == 0
    with pytest.raises(ApiError) as failure:
        api.health("none")
    assert failure.value.status == 404


def test_pods_are_listed_and_terminated(standin, api):
    made = standin._account.create_pod("hpo-torch-study", "me/x:1.0")
    assert [each["id"] for each in api.pods()] == [made["id"]]
    api.delete_pod(made["id"])
    api.delete_pod(made["id"])
    assert api.pods() == []


def test_bills_of_other_endpoints_do_not_count(standin, api, monkeypatch):
    records = [
        {"serverlessId": "ep", "totalAmount": 0.25},
        {"serverlessId": "other", "totalAmount": 7.0},
        {"serverlessId": "ep", "totalAmount": 0.5},
    ]
    paths = []
    monkeypatch.setattr(
        RestApi, "_ask", lambda _self, _method, path: paths.append(path) or {"records": records}
    )
    start = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    assert api.billed("ep", start, start + timedelta(hours=2)) == 0.75
    assert paths == [
        "billing/serverless?serverlessId=ep&bucketSize=hour"
        "&startTime=2026-11-28T09:30:00Z&endTime=2026-11-28T11:30:00Z"
    ]


def test_bills_as_the_stand_in_tells_them(standin, api):
    standin.add_endpoint(Endpoint(id="ep"))
    now = datetime.now(UTC)
    assert api.billed("ep", now, now) == 0.0  # no worker has run


class _Logs(BaseHTTPRequestHandler):
    """Server-sent events, and then silence."""

    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Authorization"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in (1, 2):
            self.wfile.write(
                b"id: 2026-11-28T10:00:00Z\n"
                b'data: {"source": "container", "line": "line %d key-of-mine"}\n\n' % number
            )
        self.wfile.flush()
        threading.Event().wait(3.0)

    def log_message(self, *_):
        pass


def test_a_log_ends_when_it_is_quiet_and_never_shows_the_key(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Logs)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("RUNPOD_API_V2_URL", f"http://127.0.0.1:{server.server_port}/v2/")
    api = RestApi(SecretStr("key-of-mine"))
    lines = list(api.worker_log("ep", "w1", tail=5, quiet=0.3))
    server.shutdown()
    server.server_close()
    assert lines == ["line 1 ...", "line 2 ..."]
    assert _Logs.seen == [("/v2/serverless/ep/workers/w1/logs?tail=5", "Bearer key-of-mine")]
