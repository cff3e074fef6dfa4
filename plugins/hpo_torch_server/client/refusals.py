"""What it means when a server refuses, fails or cannot be reached: one message, one exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import (
    DataError,
    DeviceUnavailableError,
    HpoTorchError,
    MissingDependencyError,
    OutputError,
    PluginError,
    UsageError,
)
from hpo_torch.plugin_runs import RunInUseError

if TYPE_CHECKING:
    import httpx

_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_UNKNOWN: Final = frozenset({401, 403})
_ABSENT: Final = frozenset({404, 410})
_LONGEST_WORDS: Final = 300


class ServerError(HpoTorchError):
    """The server did not do what it was asked."""


class NoAccessError(ServerError):
    """The key is missing, wrong, expired, or may not do this."""


class AbsentError(UsageError):
    """There is no such job, trial or file, or it is not the caller's."""


class UnreachableError(ServerError):
    """No good answer, which may be better later.

    Args:
        message: What happened.
        retry_after: Seconds that the server asked to wait; 0.0 if it did not.
        untouched: Whether the server surely did nothing.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0, untouched: bool = False) -> None:
        super().__init__(message)
        self.retry_after, self.untouched = retry_after, untouched


# By the problem's type, which is the word for the server's own error.
_BY_TYPE: Final[dict[str, type[HpoTorchError]]] = {
    "data": DataError,
    "data-not-found": DataError,
    "corrupt-data": DataError,
    "download": DataError,
    "device-unavailable": DeviceUnavailableError,
    "missing-dependency": MissingDependencyError,
    "output": OutputError,
    "plugin": PluginError,
    "run-in-use": RunInUseError,
}


def refusal(response: httpx.Response, url: str) -> HpoTorchError:
    """Return the error that an answer of status 300 or more stands for.

    Args:
        response: Read to its end.
        url: The server's, for messages.
    """
    status, problem = response.status_code, _problem(response)
    words = problem.get("detail") or problem.get("title") or ""
    message = f"{url}: {words}" if words else _unknown_answer(response, url)
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        seconds = _seconds(response.headers.get("Retry-After", ""))
        busy = status == _TOO_MANY
        return UnreachableError(message, retry_after=seconds, untouched=busy)
    if status in _UNKNOWN:
        return NoAccessError(message)
    if status in _ABSENT and problem:
        return AbsentError(message)
    kind = _BY_TYPE.get(str(problem.get("type", "")))
    return (kind or (UsageError if problem else ServerError))(message)


def not_ours(url: str, what: str) -> ServerError:
    """Return the error that an answer stands for which no server of ours gives."""
    return ServerError(f"{url}: {what}. Is it the address that `hpo-torch serve` printed?")


def lost(error: httpx.HTTPError, url: str) -> UnreachableError:
    """Return the error that a broken connection stands for."""
    import httpx

    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if unsent:
        what = "cannot be reached. Is `hpo-torch serve` running there, and is the address right?"
    elif isinstance(error, httpx.TimeoutException):
        what = "does not answer in time"
    else:
        what = "the connection was lost"
    reason = str(error)[:_LONGEST_WORDS]
    return UnreachableError(f"{url}: {what}{f' ({reason})' if reason else ''}", untouched=unsent)


def _problem(response: httpx.Response) -> dict[str, Any]:
    """Return an RFC 9457 problem document; {} where the answer is none."""
    if not response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return {}
    try:
        content = json.loads(response.content)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _unknown_answer(response: httpx.Response, url: str) -> str:
    status = f"HTTP {response.status_code} {response.reason_phrase}".rstrip()
    if response.is_redirect:
        place = response.headers.get("Location", "elsewhere")
        return f"{url}: {status}, it has moved to {place}. Give that address instead."
    return str(not_ours(url, f"{status}, and not in the words of an hpo-torch server"))


def _seconds(text: str) -> float:
    """Read Retry-After; as a date, which our server never sends, it counts as not given."""
    try:
        return min(max(0.0, float(text)), 3600.0)
    except ValueError:
        return 0.0
