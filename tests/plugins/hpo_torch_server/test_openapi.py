"""The committed description is the application's, and says everything that clients need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SNAPSHOT = Path(__file__).parents[3] / "docs" / "openapi.json"
EVERYWHERE = {"400", "401", "403", "408", "413", "422", "429", "500", "503"}


@pytest.fixture
def described(api):
    return api.app.openapi()


def operations(described):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def test_the_committed_description_is_the_applications(described):
    committed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert committed == described, "hpo-torch serve openapi > docs/openapi.json"


def test_it_is_openapi_3_1_below_one_version(described):
    assert described["openapi"].startswith("3.1.")
    assert all(path.startswith("/api/v1/") for path in described["paths"])


def test_all_endpoints_of_the_original_are_there(described):
    expected = {
        "GET /api/v1/health",
        "GET /api/v1/datasets",
        "GET /api/v1/modes",
        "GET /api/v1/objectives",
        "GET /api/v1/search-spaces",
        "GET /api/v1/presets",
        "GET /api/v1/plugins",
        "POST /api/v1/validate",
        "POST /api/v1/optimize",
        "GET /api/v1/jobs",
        "POST /api/v1/jobs/stop",
        "GET /api/v1/jobs/{job_id}",
        "DELETE /api/v1/jobs/{job_id}",
        "POST /api/v1/jobs/{job_id}/stop",
        "POST /api/v1/jobs/{job_id}/pause",
        "POST /api/v1/jobs/{job_id}/resume",
        "POST /api/v1/jobs/{job_id}/enqueue",
        "GET /api/v1/jobs/{job_id}/trials",
        "GET /api/v1/jobs/{job_id}/trials/{number}",
        "GET /api/v1/jobs/{job_id}/current-trial",
        "GET /api/v1/jobs/{job_id}/best-trial",
        "GET /api/v1/jobs/{job_id}/trends",
        "GET /api/v1/jobs/{job_id}/columns",
        "GET /api/v1/jobs/{job_id}/plots",
        "GET /api/v1/jobs/{job_id}/plots/{name}",
        "GET /api/v1/jobs/{job_id}/files",
        "GET /api/v1/jobs/{job_id}/files/{path}",
        "GET /api/v1/jobs/{job_id}/download",
        "GET /api/v1/jobs/{job_id}/best-model",
        "GET /api/v1/jobs/{job_id}/report",
        "GET /api/v1/jobs/{job_id}/events",
    }
    assert expected <= set(operations(described))


def test_every_operation_is_named_and_explained(described):
    found = operations(described)
    names = [operation["operationId"] for operation in found.values()]
    assert len(set(names)) == len(names)
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name


def test_every_error_is_a_problem_document(described):
    for name, operation in operations(described).items():
        responses = operation["responses"]
        assert set(responses) >= EVERYWHERE, name
        for status, response in responses.items():
            if status >= "400":
                content = response["content"]
                assert set(content) == {"application/problem+json"}, f"{name} {status}"
                reference = content["application/problem+json"]["schema"]["$ref"]
                assert reference == "#/components/schemas/ProblemDocument"


def test_every_model_that_is_named_is_there(described):
    text = json.dumps(described)
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(described["components"]["schemas"])


def test_a_key_is_sent_in_either_header(described):
    assert described["security"] == [{"bearer": []}, {"header": []}]
    assert set(described["components"]["securitySchemes"]) == {"bearer", "header"}


def test_it_is_served_to_everybody(api, described):
    api.key()
    assert api.get("/openapi.json").json() == described
