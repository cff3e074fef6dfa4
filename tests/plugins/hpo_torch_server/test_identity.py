"""Who may do what, and whose jobs are seen by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from api_app import problem


def test_on_loopback_nobody_needs_a_key_until_there_is_one(api):
    assert api.get("/jobs").status_code == 200
    api.key()
    response = api.get("/jobs")
    assert problem(response, 401)["type"] == "no-key"
    assert response.headers["www-authenticate"] == 'Bearer realm="hpo-torch"'
    assert ("", "authenticate", "GET /api/v1/jobs", "refused: no key") in api.audited()


def test_elsewhere_everybody_needs_a_key(make_api):
    api = make_api(host="0.0.0.0")
    problem(api.get("/jobs"), 401)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_is_taken_from_either_header(api, header):
    text = api.key()["Authorization"]
    if header == "X-API-Key":
        text = text.removeprefix("Bearer ")
    assert api.get("/jobs", headers={header: text}).status_code == 200


@pytest.mark.parametrize("text", ["Bearer hpt_00000000_" + "a" * 43, "Bearer nonsense"])
def test_a_wrong_key_is_refused(api, text):
    api.key()
    response = api.get("/jobs", headers={"Authorization": text})
    assert problem(response, 401)["type"] == "unknown-key"
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert ("", "authenticate", "GET /api/v1/jobs", "refused: unknown key") in api.audited()


def test_a_secret_is_neither_in_answers_nor_in_the_audit_log(api):
    api.key()
    secret = "a" * 43
    response = api.get("/jobs", headers={"X-API-Key": f"hpt_00000000_{secret}"})
    assert secret not in response.text
    assert secret not in str(api.server.audit.entries())


def test_an_expired_key_is_refused(api):
    headers = api.key("ann", "read", expires=datetime.now(UTC) - timedelta(seconds=1))
    assert problem(api.get("/jobs", headers=headers), 401)["type"] == "expired-key"
    assert ("", "authenticate", "GET /api/v1/jobs", "refused: expired key") in api.audited()


def test_a_revoked_key_is_refused_at_once(api):
    headers = api.key("ann", "read")
    assert api.get("/jobs", headers=headers).status_code == 200
    api.server.keys.revoke(headers["Authorization"].split("_")[1])
    assert problem(api.get("/jobs", headers=headers), 401)["type"] == "revoked-key"


@pytest.mark.parametrize(("scope", "allowed"), [("read", False), ("run", True), ("admin", True)])
def test_starting_a_search_needs_scope_run(api, scope, allowed):
    headers = api.key("ann", scope)
    response = api.post("/optimize", {"dataset": "digits"}, headers=headers)
    if allowed:
        assert response.status_code == 202
        return
    found = problem(response, 403)
    assert found["type"] == "scope"
    assert "expected a key with scope run, got one with read" in found["detail"]
    assert ("ann", "authorize", "POST /api/v1/optimize", "refused: needs run") in api.audited()


def test_a_scope_includes_those_before_it(api):
    assert api.get("/jobs", headers=api.key("ann", "run")).status_code == 200
    assert api.get("/jobs", headers=api.key("ann", "admin")).status_code == 200
    problem(api.get("/jobs", headers=api.key("ann", "none")), 403)


OTHERS = [
    ("GET", "/jobs/bobs"),
    ("GET", "/jobs/bobs/trials"),
    ("GET", "/jobs/bobs/trials/0"),
    ("GET", "/jobs/bobs/columns"),
    ("GET", "/jobs/bobs/events"),
    ("GET", "/jobs/bobs/files"),
    ("GET", "/jobs/bobs/files/config.yaml"),
    ("GET", "/jobs/bobs/download"),
    ("POST", "/jobs/bobs/stop"),
    ("POST", "/jobs/bobs/pause"),
    ("POST", "/jobs/bobs/resume"),
    ("POST", "/jobs/bobs/enqueue"),
    ("DELETE", "/jobs/bobs"),
]


@pytest.mark.parametrize(("method", "path"), OTHERS, ids=[f"{m} {p}" for m, p in OTHERS])
def test_another_owners_job_is_as_if_there_were_none(api, method, path):
    api.job("bob", "bobs")
    headers = api.key("ann", "read", "run")
    body = {"configurations": [{"optimizer": "sgd"}]} if path.endswith("enqueue") else None
    found = problem(api.client.request(method, f"/api/v1{path}", json=body, headers=headers), 404)
    nothing = problem(
        api.client.request(
            method, f"/api/v1{path.replace('bobs', 'none')}", json=body, headers=headers
        ),
        404,
    )
    assert found["detail"].replace("bobs", "none") == nothing["detail"]
    assert found["type"] == nothing["type"]
    refused = ("ann", "open job", f"{method} /api/v1{path}", "refused: another owner's")
    assert refused in api.audited()
    assert api.server.jobs.get("bobs").state == "queued"


def test_lists_have_ones_own_jobs_and_all_for_admin(api):
    api.job("bob", "bobs")
    api.job("ann", "anns")

    def listed(*scopes):
        page = api.get("/jobs", headers=api.key("ann", *scopes)).json()
        return sorted(job["job_id"] for job in page["items"])

    assert listed("read") == ["anns"]
    assert listed("admin") == ["anns", "bobs"]


def test_stopping_everything_stops_ones_own(api):
    api.job("bob", "bobs")
    api.job("ann", "anns")
    stopped = api.post("/jobs/stop", headers=api.key("ann", "run")).json()
    assert stopped["stopped_jobs"] == ["anns"]
    assert api.server.jobs.get("bobs").state == "queued"
