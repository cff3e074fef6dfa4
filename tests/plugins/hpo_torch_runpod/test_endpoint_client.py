from __future__ import annotations

import threading

import pytest
import requests
from pydantic import SecretStr

from hpo_torch_runpod.endpoint_client import (
    EndpointClient,
    KeyRefusedError,
    LostAnswerError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)

KEY = "rpa_SECRETSECRET"


def http(status, body=b"{}", reason="Reason"):
    """Return what the SDK raises at an answer of this status."""
    response = requests.Response()
    response.status_code, response._content, response.reason = status, body, reason
    return requests.HTTPError(response=response)


class Sdk:
    """Stands for the SDK's `rp_client`: raises or returns what a test lined up, then "ok"."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def get(self, place, timeout):
        return self._answer("GET", place, None)

    def post(self, place, content, timeout):
        return self._answer("POST", place, content)

    def _answer(self, *request):
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else {"id": "j", "status": "IN_QUEUE"}
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(*answers, **more):
    made = EndpointClient("ep", SecretStr(KEY), **{"patience": 20.0, "first_wait": 0.01, **more})
    made._client = Sdk(*answers)
    return made


REQUESTS = {
    "run": lambda c: c.run({"a": 1}, {"ttl": 1}),
    "status": lambda c: c.status("j"),
    "stream": lambda c: c.stream("j"),
    "cancel": lambda c: c.cancel("j"),
    "health": lambda c: c.health(),
}

PASSING = {
    "408": lambda: http(408),
    "425": lambda: http(425),
    "429": lambda: http(429),
    "500": lambda: http(500),
    "502": lambda: http(502),
    "503": lambda: http(503),
    "dropped": lambda: requests.ConnectionError("reset"),
    "timed out": lambda: requests.ReadTimeout("slow"),
    "cut off": lambda: requests.exceptions.ChunkedEncodingError("half"),
    "no JSON": lambda: requests.exceptions.JSONDecodeError("what", "<html>", 0),
    "a list": lambda: ["no object"],
}


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("error", PASSING)
def test_what_may_pass_is_tried_again(what, error):
    tried = client(PASSING[error](), PASSING[error]())
    REQUESTS[what](tried)
    assert len(tried._client.requests) == 3
    assert len(set(map(str, tried._client.requests))) == 1


FINAL = [
    (RuntimeError("401 Unauthorized"), KeyRefusedError, "RUNPOD_API_KEY is not accepted"),
    (http(404), NotFoundError, "HTTP 404"),
    (http(400, b"payload too large"), RefusedError, "payload too large"),
    (http(403, b"no"), RefusedError, "403"),
    (http(413, b"large"), RefusedError, "413"),
]


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize(("error", "kind", "words"), FINAL)
def test_what_does_not_pass_is_told_at_once(what, error, kind, words):
    tried = client(error)
    with pytest.raises(kind, match=words) as told:
        REQUESTS[what](tried)
    assert len(tried._client.requests) == 1
    assert KEY not in str(told.value) + repr(tried)


def test_a_missing_endpoint_and_a_missing_job_are_told_apart():
    with pytest.raises(NotFoundError, match="no such endpoint"):
        client(http(404)).run({}, {})
    with pytest.raises(NotFoundError, match="no such job"):
        client(http(404)).status("j")


def test_patience_ends():
    tried = client(*[http(503) for _ in range(100)], patience=0.2)
    with pytest.raises(UnreachableError, match="503"):
        tried.health()
    assert 1 < len(tried._client.requests) < 100


def test_nothing_is_repeated_in_a_hurry():
    hurry = threading.Event()
    hurry.set()
    tried = client(http(503), closing=hurry)
    with pytest.raises(UnreachableError):
        tried.status("j")
    assert len(tried._client.requests) == 1


def test_a_run_without_an_id_may_have_made_a_job():
    tried = client({}, patience=0.0)
    with pytest.raises(LostAnswerError, match="expected a job's id"):
        tried.run({}, {})


@pytest.mark.parametrize("what", PASSING)
def test_an_error_that_runpod_tells_is_no_lost_answer(what):
    tried = client(PASSING[what](), patience=0.0)
    with pytest.raises(UnreachableError) as told:
        tried.run({}, {})
    assert isinstance(told.value, LostAnswerError) != what.isdecimal()


def test_input_and_policy_travel_together():
    tried = client()
    assert tried.run({"a": 1}, {"ttl": 2}) == "j"
    assert tried._client.requests == [("POST", "ep/run", {"input": {"a": 1}, "policy": {"ttl": 2}})]


def test_a_failed_jobs_error_and_times_are_kept():
    answer = client(
        {"status": "FAILED", "error": "why", "delayTime": 1500, "executionTime": 20}
    ).status("j")
    assert (answer.status, answer.ended, answer.error) == ("FAILED", True, "why")
    assert (answer.delay_ms, answer.execution_ms) == (1500.0, 20.0)


def test_chunks_come_from_the_stream_and_from_a_completed_jobs_output():
    streamed = client({"status": "IN_PROGRESS", "stream": [{"output": {"n": 0}}, {}]}).stream("j")
    assert streamed.chunks == [{"n": 0}, None]
    assert not streamed.ended
    whole = client({"status": "COMPLETED", "output": [{"n": 0}]}).status("j")
    assert whole.chunks == [{"n": 0}]
    assert client({"status": "COMPLETED"}).status("j").chunks == []
