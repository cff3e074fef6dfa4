"""Who calls, what the caller may do, and whose job is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from hpo_torch_server.context import server_of
from hpo_torch_server.job_row import JobRow
from hpo_torch_server.keys import SCOPES
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch_server.keys import Refusal, Scope

LOCAL: Final = "local"
"""The owner of what is started on loopback without a key."""
_FORBIDDEN: Final = r'\x00-\x1f\x7f<>:"/\\|?*'
JOB_ID: Final = rf"^[^{_FORBIDDEN}. ]([^{_FORBIDDEN}]*[^{_FORBIDDEN}. ])?$"
"""What a run may be called: a folder's name on every system."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        owner: Whose jobs it may see; LOCAL without a key.
        scopes: What it may do, and what these include.
        key: The key's id, which is no secret; None without a key.
        address: Where the request came from, "" where unknown.
    """

    owner: str
    scopes: frozenset[str]
    key: str | None = None
    address: str = field(default="", compare=False)

    def may(self, scope: Scope) -> bool:
        """Say whether the caller has a scope, or one that includes it."""
        return any(higher in self.scopes for higher in SCOPES[SCOPES.index(scope) :])

    @property
    def sees(self) -> str | None:
        """The owner whose jobs the caller sees; None: everybody's."""
        return None if self.may("admin") else self.owner


def address_of(connection: HTTPConnection) -> str:
    """Return the address that a request came from, "" where unknown."""
    return connection.client.host if connection.client else ""


def wanted_of(connection: HTTPConnection) -> str:
    """Return what a request asks for, as the audit log has it: "POST /api/v1/optimize"."""
    return f"{connection.scope.get('method', 'WEBSOCKET')} {connection.scope['path']}"


def identify(connection: HTTPConnection) -> Caller:
    """Return who calls.

    Raises:
        Problem: 401: no key where one is needed, or one that is unknown, expired or revoked.
    """
    here = server_of(connection)
    address = address_of(connection)
    text = _given_key(connection)
    if text is None and here.settings.loopback and here.keys.empty():
        return Caller(LOCAL, frozenset(SCOPES), address=address)
    found = here.keys.check(text)
    if not isinstance(found, str):
        return Caller(found.owner, frozenset(found.scopes), found.id, address)
    here.audit.write(None, "authenticate", wanted_of(connection), f"refused: {found}", address)
    raise _refused(found)


def require(scope: Scope) -> Callable[..., Caller]:
    """Make a dependency: the caller, who has a scope.

    It raises Problem: 401 as `identify` does, 403 where the key lacks the scope.
    """

    def caller_with_scope(
        connection: HTTPConnection, caller: Annotated[Caller, Depends(identify)]
    ) -> Caller:
        if caller.may(scope):
            return caller
        here = server_of(connection)
        outcome = f"refused: needs {scope}"
        here.audit.write(caller, "authorize", wanted_of(connection), outcome, caller.address)
        has = ", ".join(sorted(caller.scopes)) or "none"
        detail = f"expected a key with scope {scope}, got one with {has}"
        raise Problem(403, "", detail, "scope")

    return caller_with_scope


Reader = Annotated[Caller, Depends(require("read"))]
"""A route's parameter: the caller, who may read."""
Runner = Annotated[Caller, Depends(require("run"))]
"""A route's parameter: the caller, who may start and control jobs."""
Admin = Annotated[Caller, Depends(require("admin"))]
"""A route's parameter: the caller, who may everything."""

JobId = Annotated[
    str,
    Path(
        pattern=JOB_ID,
        max_length=200,
        description="Id of a job: the name of its run.",
        examples=["2026-11-28T10-20-03_digits_health"],
    ),
]


def own_job(connection: HTTPConnection, job_id: JobId, caller: Reader) -> JobRow:
    """Return a job that the caller may see.

    Raises:
        Problem: 404: there is none of that id, or it is another owner's, which a caller must not
            be able to tell apart.
    """
    here = server_of(connection)
    row = here.jobs.get(job_id)
    if row is not None and caller.sees in (None, row.owner):
        return row
    if row is not None:
        outcome = "refused: another owner's"
        here.audit.write(caller, "open job", wanted_of(connection), outcome, caller.address)
    raise Problem(404, "", f"there is no job '{job_id}'; GET /api/v1/jobs lists yours", "no-job")


OwnJob = Annotated[JobRow, Depends(own_job)]
"""A route's parameter: the job of its path `{job_id}`, which the caller may see."""


def _given_key(connection: HTTPConnection) -> str | None:
    scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return connection.headers.get("x-api-key") or None


def _refused(refusal: Refusal) -> Problem:
    details: dict[Refusal, str] = {
        "no key": "expected an API key: 'Authorization: Bearer hpt_...' or 'X-API-Key: hpt_...'; "
        "`hpo-torch serve keys add` on the server makes one",
        "unknown key": "this API key is not known; `hpo-torch serve keys list` on the server lists "
        "those that are",
        "expired key": "this API key has expired; `hpo-torch serve keys add` on the server makes "
        "another",
        "revoked key": "this API key was revoked; `hpo-torch serve keys add` on the server makes "
        "another",
    }
    error = "" if refusal == "no key" else ', error="invalid_token"'
    headers = {"WWW-Authenticate": f'Bearer realm="hpo-torch"{error}'}
    return Problem(401, "", details[refusal], refusal.replace(" ", "-"), headers=headers)
