from __future__ import annotations

import json

import pytest
from api_app import problem
from fastapi import FastAPI
from starlette.testclient import TestClient

from hpo_torch.errors import (
    CorruptDataError,
    InvalidValueError,
    MissingDependencyError,
    OutputError,
    RunInUseError,
    StorageError,
    UnknownNameError,
)
from hpo_torch_server.problems import Problem, ProblemDocument, errors, install_handlers, of_error
from hpo_torch_server.states import JobState, JobStateError


@pytest.fixture
def client():
    app = FastAPI()
    install_handlers(app)

    @app.get("/raise/{what}")
    def fail(what: str, number: int = 0) -> None:
        if what == "problem":
            raise Problem(409, "Busy", "it is busy", "busy", headers={"Retry-After": "5"}, by="ann")
        if what == "ours":
            raise UnknownNameError("dataset", "minst", ["mnist", "digits"])
        raise RuntimeError("the secret is hpt_1234")

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_problem_has_what_it_was_given(client):
    response = client.get("/raise/problem")
    assert problem(response, 409) == {
        "type": "busy",
        "title": "Busy",
        "status": 409,
        "detail": "it is busy",
        "by": "ann",
    }
    assert response.headers["retry-after"] == "5"


def test_our_own_errors_keep_their_words(client):
    found = problem(client.get("/raise/ours"), 400)
    assert found["type"] == "unknown-name"
    assert "Did you mean 'mnist'?" in found["detail"]
    assert found["known"] == ["digits", "mnist"]


def test_what_nobody_expected_tells_nothing(client, caplog):
    response = client.get("/raise/x")
    assert "hpt_1234" not in response.text
    assert problem(response, 500)["title"] == "Internal Server Error"
    assert "the secret is" in caplog.text  # for who runs the server


def test_a_wrong_field_is_named_without_what_was_sent(client):
    found = problem(client.get("/raise/problem?number=secret"), 422)
    assert found["errors"][0]["loc"] == ["query", "number"]
    assert found["detail"].startswith("query.number: ")
    assert "secret" not in json.dumps(found)


def test_unknown_paths_and_methods_are_problems_too(client):
    assert "/nowhere" in problem(client.get("/nowhere"), 404)["detail"]
    response = client.post("/raise/problem")
    assert "expected GET, got POST" in problem(response, 405)["detail"]
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UnknownNameError("run", "x", []), 404, "unknown-name"),
        (UnknownNameError("job", "x", []), 404, "unknown-name"),
        (UnknownNameError("dataset", "x", []), 400, "unknown-name"),
        (InvalidValueError("trials", "1 or more", 0), 400, "invalid-value"),
        (MissingDependencyError("needs boto3"), 400, "missing-dependency"),
        (CorruptDataError("bad checksum"), 400, "corrupt-data"),
        (JobStateError("is completed", "x", JobState.COMPLETED), 409, "job-state"),
        (RunInUseError("somebody works on it"), 409, "run-in-use"),
        (StorageError("the database is away"), 503, "storage"),
        (OutputError("the disk is full"), 500, "output"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_kind_of_error_has_its_status(error, status, kind):
    found = of_error(error)
    assert (found.status, found.type, found.detail) == (status, kind, str(error))


def test_errors_are_described_by_the_document_that_they_answer_with():
    described = errors(404, 409)
    assert set(described) == {404, 409}
    reference = described[404]["content"]["application/problem+json"]["schema"]["$ref"]
    assert reference.rpartition("/")[2] == ProblemDocument.__name__
