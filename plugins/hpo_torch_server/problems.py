"""Errors as RFC 9457 problem documents: one shape for all, and no internals in any."""

from __future__ import annotations

import http
import json
import logging
from typing import TYPE_CHECKING, Any, Final

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from hpo_torch.plugin_api import (
    DataError,
    HpoTorchError,
    MissingDependencyError,
    UnknownNameError,
    UsageError,
)
from hpo_torch.plugin_runs import RunInUseError, StorageError
from hpo_torch_server.headers import SECURITY_HEADERS
from hpo_torch_server.job_store import NameTakenError, RepeatedKeyError
from hpo_torch_server.states import JobStateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import HTTPConnection

PROBLEM_JSON: Final = "application/problem+json"
BLANK: Final = "about:blank"
SCHEMA: Final = "#/components/schemas/ProblemDocument"

_STATUSES: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...]] = (
    ((JobStateError, NameTakenError, RepeatedKeyError, RunInUseError), 409),
    (StorageError, 503),
    ((UsageError, MissingDependencyError, DataError), 400),
)

_log = logging.getLogger(__name__)


class FieldError(BaseModel):
    """One field of a request that is not as expected."""

    model_config = ConfigDict(frozen=True)

    loc: list[str | int] = Field(description="where: body, query or path, then the names inside")
    msg: str = Field(description="what was expected")
    type: str = Field(description="kind of the error, for programs")


class ProblemDocument(BaseModel):
    """What every error answers, RFC 9457; some kinds have members of their own besides."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = Field(BLANK, description="kind of the problem, for programs")
    title: str = Field(description="kind of the problem, for people")
    status: int = Field(ge=400, le=599, description="the HTTP status once more")
    detail: str = Field(description="what was expected, what was given, and what to do")
    errors: list[FieldError] | None = Field(None, description="of status 422: each wrong field")


class Problem(Exception):
    """An error that a route answers with.

    Attributes:
        status: HTTP status, 400 to 599.
        title: The kind of problem, for people; "" is the status's own phrase.
        detail: What was expected, what was given, and what to do.
        type: The kind of problem, for programs: "about:blank", or a word like "quota".
        headers: Of the answer.
        extra: More members of the document, plain JSON.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        type: str = BLANK,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.type = status, title, detail, type
        self.headers, self.extra = dict(headers or {}), extra

    def response(self) -> JSONResponse:
        """Return the answer: also to a WebSocket's handshake."""
        document = {
            "type": self.type,
            "title": self.title or http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }
        return _ProblemResponse(document, self.status, self.headers)


class _ProblemResponse(JSONResponse):
    """In ASCII: what is quoted of a request may be no text that UTF-8 can hold."""

    media_type = PROBLEM_JSON

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode("ascii")


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors that a route can answer with: `@router.get(..., responses=errors(404))`.

    Those of every route (`EVERYWHERE`) need not be named.
    """
    content = {PROBLEM_JSON: {"schema": {"$ref": SCHEMA}}}
    return {
        status: {"description": http.HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


EVERYWHERE: Final = errors(400, 401, 403, 408, 413, 422, 429, 500, 503)
"""Errors that any request can get."""


def install_handlers(app: FastAPI) -> None:
    """Have every error of an application answered as a problem document."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(WebSocketRequestValidationError, _answer_invalid)
    app.add_exception_handler(HpoTorchError, _answer_ours)
    app.add_exception_handler(Exception, _answer_unexpected)


async def _answer_problem(_: HTTPConnection, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - for mypy
    return error.response()


async def _answer_http(connection: HTTPConnection, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - for mypy
    detail = str(error.detail)
    if error.status_code == http.HTTPStatus.NOT_FOUND:
        detail = f"there is no {connection.scope['path']}; /api/v1/openapi.json lists what there is"
    headers = dict(error.headers or {})
    if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(connection)))
        detail = f"expected {headers['Allow']}, got {connection.scope.get('method', '')}"
    return Problem(error.status_code, "", detail, headers=headers).response()


def _methods(connection: HTTPConnection) -> set[str]:
    """Return what a path allows: the framework's own answer is that of one route of several."""
    path = connection.scope["path"]
    routes = iter_route_contexts(connection.app.routes)
    fitting = [each for each in routes if each.methods and each.path_regex.match(path)]
    # A path of its own, /jobs/stop, goes before one that it fits as well, /jobs/{job_id}.
    own = [each for each in fitting if each.path_format == path]
    return set().union(*(each.methods or () for each in own or fitting))


async def _answer_invalid(_: HTTPConnection, error: Exception) -> JSONResponse:
    kinds = RequestValidationError | WebSocketRequestValidationError
    assert isinstance(error, kinds)  # noqa: S101 - for mypy
    # Without what was given: it may be large, no JSON (NaN), or a secret in a wrong place.
    fields = [
        {"loc": list(each["loc"]), "msg": str(each["msg"]), "type": str(each["type"])}
        for each in error.errors()
    ]
    first = fields[0] if fields else {"loc": [], "msg": "not as expected"}
    where = ".".join(map(str, first["loc"]))
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    detail = f"{where}: {first['msg']}{more}"
    return Problem(422, "", detail, "validation", errors=jsonable_encoder(fields)).response()


async def _answer_ours(_: HTTPConnection, error: Exception) -> JSONResponse:
    return of_error(error).response()


def of_error(error: Exception) -> Problem:
    """Return the problem that a message of hpo-torch's own is: 400, 404, 409, 500 or 503.

    Bad requests of users keep their message; what is wrong with this machine does, too: the
    message is written for users, and names no secrets.
    """
    word = "".join(f"-{c.lower()}" if c.isupper() else c for c in type(error).__name__)
    word = word.removeprefix("-").removesuffix("-error")
    known: dict[str, Any] = {}
    if isinstance(error, UnknownNameError):
        known["known"] = list(error.known)
    return Problem(_status_of(error), "", str(error), word, **known)


def _status_of(error: Exception) -> int:
    if isinstance(error, UnknownNameError) and error.kind in ("run", "job"):
        return 404
    return next((status for kinds, status in _STATUSES if isinstance(error, kinds)), 500)


async def _answer_unexpected(connection: HTTPConnection, error: Exception) -> JSONResponse:
    _log.error("%s failed", connection.scope["path"], exc_info=error)
    detail = "the server failed at this request; its log says why"
    # It is answered outside of all that stands before the routes.
    return Problem(500, "", detail, headers=SECURITY_HEADERS).response()
