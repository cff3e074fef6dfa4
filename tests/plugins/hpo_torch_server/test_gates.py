"""What stands before the routes: hosts, origins, rates, bodies, and what every answer has."""

from __future__ import annotations

import pytest
from api_app import problem

from hpo_torch_server.headers import SECURITY_HEADERS

PAGE = {"Origin": "https://evil.example"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1234", "LOCALHOST", "[::1]:8000"]
)
def test_on_loopback_its_own_names_are_served(api, host):
    assert api.get("/modes", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "a@127.0.0.1"],
)
def test_on_loopback_other_names_are_refused(api, host):
    found = problem(api.get("/modes", headers={"Host": host}), 403)
    assert found["type"] == "foreign-host"
    assert ("", "request", "GET /api/v1/modes", "refused: foreign-host") in api.audited()


def test_a_name_that_was_allowed_is_served(make_api):
    api = make_api(hosts=("pod.example",))
    assert api.get("/modes", headers={"Host": "pod.example:8000"}).status_code == 200


def test_elsewhere_every_name_is_served_unless_some_are_named(make_api):
    api = make_api(host="0.0.0.0")
    headers = {**api.key(), "Host": "pod.example"}
    assert api.get("/modes", headers=headers).status_code == 200
    strict = make_api(host="0.0.0.0", hosts=("pod.example",))
    assert strict.get("/modes", headers=headers).status_code == 200
    problem(strict.get("/modes", headers={**headers, "Host": "other.example"}), 403)


def test_a_foreign_page_cannot_change_anything(api):
    found = problem(api.post("/jobs/stop", headers=PAGE), 403)
    assert found["type"] == "foreign-origin"
    assert ("", "request", "POST /api/v1/jobs/stop", "refused: foreign-origin") in api.audited()


@pytest.mark.parametrize("origin", ["null", "https://127.0.0.1:8001", "http://127.0.0.1"])
def test_another_port_is_another_page(api, origin):
    problem(api.post("/jobs/stop", headers={"Origin": origin}), 403)


def test_its_own_pages_may(api):
    headers = {"Origin": "http://127.0.0.1:8000"}
    assert api.post("/jobs/stop", headers=headers).status_code == 200


def test_a_foreign_page_reads_nothing_unless_it_was_named(api, make_api):
    response = api.get("/modes", headers=PAGE)
    assert "access-control-allow-origin" not in response.headers
    named = make_api(cors=("https://evil.example",))
    response = named.get("/modes", headers=PAGE)
    assert response.headers["access-control-allow-origin"] == "https://evil.example"
    assert named.post("/jobs/stop", headers=PAGE).status_code == 200


def test_a_named_page_is_told_before_that_it_may(make_api):
    api = make_api(cors=("https://dashboard.example",))
    headers = {
        "Origin": "https://dashboard.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "Authorization",
    }
    response = api.client.options("/api/v1/jobs/x", headers=headers)
    assert response.status_code == 200
    assert "DELETE" in response.headers["access-control-allow-methods"]


def test_requests_above_the_rate_wait(make_api):
    api = make_api(rate_limit="3/minute")
    assert [api.get("/modes").status_code for _ in range(3)] == [200] * 3
    response = api.get("/modes")
    assert problem(response, 429)["type"] == "rate"
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert ("", "request", "GET /api/v1/modes", "refused: rate") in api.audited()


def test_wrong_keys_are_counted_as_well(make_api):
    api = make_api(rate_limit="2/minute")
    api.key()
    for text in ("hpt_1", "hpt_2"):
        problem(api.get("/modes", headers={"X-API-Key": text}), 401)
    problem(api.get("/modes", headers={"X-API-Key": "hpt_3"}), 429)


def test_a_body_may_be_as_large_as_the_limit(make_api):
    api = make_api(max_body=100)
    body = b'{"dataset": "digits"}'.ljust(100)
    headers = {"Content-Type": "application/json"}
    response = api.client.post("/api/v1/validate", content=body, headers=headers)
    assert response.status_code == 200


def test_a_larger_body_is_refused_by_its_length(make_api):
    api = make_api(max_body=100)
    response = api.client.post("/api/v1/optimize", content=b" " * 101)
    assert problem(response, 413)["type"] == "too-large"
    assert response.headers["connection"] == "close"
    assert ("", "request", "POST /api/v1/optimize", "refused: too-large") in api.audited()


def test_a_larger_body_is_refused_without_a_length(make_api):
    api = make_api(max_body=100)
    response = api.client.post("/api/v1/optimize", content=iter([b" " * 60, b" " * 60]))
    problem(response, 413)


@pytest.mark.parametrize("path", ["/api/v1/modes", "/nowhere", "/api/v1/openapi.json", "/healthz"])
def test_every_answer_says_what_browsers_must_not_do(api, path):
    headers = api.client.get(path).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_refusal_says_so_too(api):
    headers = api.get("/modes", headers={"Host": "evil.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/jobs/job", "DELETE, GET"), ("/jobs/stop", "POST"), ("/jobs/job/stop", "POST")],
)
def test_a_path_says_all_that_it_allows(api, path, allowed):
    response = api.client.put(f"/api/v1{path}")
    problem(response, 405)
    assert response.headers["allow"] == allowed


def test_that_it_is_alive_is_told_without_a_key(api):
    api.key()
    assert api.client.get("/healthz").json() == {"status": "ok"}
