from __future__ import annotations

import socket
import threading

import pytest

from hpo_torch.plugin_api import DataError, UsageError
from hpo_torch.plugin_runs import RunInUseError
from hpo_torch_server.client.connection import Connection
from hpo_torch_server.client.refusals import (
    AbsentError,
    NoAccessError,
    ServerError,
    UnreachableError,
)
from hpo_torch_server.client.target import Target

PATH = "/jobs/the-run"


def problem(status, detail="no", kind="about:blank", **headers):
    return status, headers, {"type": kind, "title": "t", "status": status, "detail": detail}


def test_answer_is_read_and_the_key_is_sent(api, connection):
    assert connection.get(PATH)["job_id"] == "the-run"
    assert api.asked("GET", PATH)[0]["Authorization"] == "Bearer hpt_1_secret"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_reading_is_repeated_while_it_may_succeed_later(api, connection, status):
    api.answers[PATH] = [problem(status), problem(status)]
    assert connection.get(PATH)["job_id"] == "the-run"
    assert len(api.asked("GET", PATH)) == 3


def test_lost_answer_is_asked_for_again(api, connection):
    api.lost[PATH] = 2
    assert connection.get(PATH)["job_id"] == "the-run"


def test_server_says_how_long_to_wait(api, connection, monkeypatch):
    waits = []
    monkeypatch.setattr(threading.Event, "wait", lambda _, seconds=None: waits.append(seconds))
    api.answers[PATH] = [problem(429, **{"Retry-After": "3"})]
    connection.get(PATH)
    assert 3.0 in waits


def test_wait_longer_than_patience_is_not_begun(api, connection):
    api.answers[PATH] = [problem(429, "too many", **{"Retry-After": "3000"})]
    with pytest.raises(UnreachableError, match="too many"):
        connection.get(PATH)


@pytest.mark.parametrize(
    ("status", "kind", "error", "code"),
    [
        (400, "unknown-name", UsageError, 2),
        (422, "validation", UsageError, 2),
        (404, "no-job", AbsentError, 2),
        (409, "about:blank", UsageError, 2),
        (409, "run-in-use", RunInUseError, 9),
        (400, "data-not-found", DataError, 4),
        (401, "no-key", NoAccessError, 1),
        (403, "scope", NoAccessError, 1),
        (413, "about:blank", UsageError, 2),
    ],
)
def test_refusal_is_one_message_with_the_exit_code_of_its_kind(
    api, connection, status, kind, error, code
):
    api.answers[PATH] = [problem(status, "expected this, got that", kind)]
    with pytest.raises(error) as raised:
        connection.get(PATH)
    assert str(raised.value) == f"{connection.target.url}: expected this, got that"
    assert raised.value.exit_code == code
    assert len(api.requests) == 1


def test_error_of_the_server_itself_is_told_once_patience_is_over(api, url):
    api.answers[PATH] = [problem(500, "cannot write", "output")]
    impatient = Connection(Target(url), patience=0.0)
    with impatient, pytest.raises(UnreachableError, match="cannot write"):
        impatient.get(PATH)


def test_answer_of_something_else_is_said_to_be_none(api, connection):
    api.answers[PATH] = [(404, {"Content-Type": "text/html"}, {})]
    with pytest.raises(ServerError, match="HTTP 404 Not Found, and not in the words"):
        connection.get(PATH)


def test_redirect_is_not_followed_with_the_key(api, connection):
    api.answers[PATH] = [(301, {"Location": "http://elsewhere/"}, {})]
    with pytest.raises(ServerError, match="it has moved to http://elsewhere/"):
        connection.get(PATH)


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    connection = Connection(Target(f"http://127.0.0.1:{port}"), patience=0.05, first_wait=0.01)
    with connection, pytest.raises(UnreachableError, match=f":{port}: cannot be") as raised:
        connection.post("/jobs/x/stop")
    assert raised.value.untouched


def test_removal_is_not_repeated_where_it_may_have_been_done(api, connection):
    api.lost[PATH] = 1
    with pytest.raises(UnreachableError):
        connection.delete(PATH)
    assert len(api.requests) == 1


def test_removal_is_repeated_where_nothing_was_done(api, connection):
    api.answers[PATH] = [problem(429)]
    connection.delete(PATH)
    assert len(api.requests) == 2


def test_key_makes_one_job_of_many_requests(api, connection):
    api.lost["/optimize"] = 2
    assert connection.post("/optimize", {"settings": {}}, key="k1")["job_id"] == "the-run"
    assert len(api.asked("POST", "/optimize")) == 3
    assert api.jobs_made == ["k1"]
