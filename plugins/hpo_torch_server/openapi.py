"""The API's description, OpenAPI 3.1: what FastAPI finds in the routes, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from hpo_torch_server.problems import ProblemDocument

if TYPE_CHECKING:
    from fastapi import FastAPI

TITLE: Final = "hpo-torch"
VERSION: Final = "1"
"""Of the API: the first part of its paths' version, /api/v1."""
DESCRIPTION: Final = """\
Start, watch, stop and fetch searches for hyperparameters.

A job is a run: its id is the run's name. Errors are problem documents (RFC 9457), times are UTC,
and numbers that are not finite are null. On loopback no key is needed unless one was made; a key is
sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
"""
_TAGS: Final = (
    {"name": "catalogue", "description": "What there is, and what a search would do."},
    {"name": "jobs", "description": "Searches: started, stopped, paused, resumed, removed."},
    {"name": "trials", "description": "What a job's trials came to."},
    {"name": "events", "description": "What happens in a job, as it happens."},
    {"name": "files", "description": "Files of a job's run."},
)
_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, hpt_..."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_REFERENCES: Final = "#/components/schemas/{model}"


def document(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once for each application."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=list(_TAGS),
    )
    problem = ProblemDocument.model_json_schema(ref_template=_REFERENCES)
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update(problem.pop("$defs", {}))
    components["schemas"][ProblemDocument.__name__] = problem
    components["schemas"] = dict(sorted(components["schemas"].items()))
    components["securitySchemes"] = _SCHEMES
    made["security"] = [{name: []} for name in _SCHEMES]
    return made
