"""RunPod's REST API v2: endpoints and their workers, pods, GPU catalogue, bills; and health.

https://docs.runpod.io/api-reference-v2, checked against its openapi.json of 2026-11. Version 1 is
retired (docs.runpod.io/api-reference-v2/migrate-from-v1). Jobs are the SDK's, which knows none of
these and takes seconds to import.
"""

from __future__ import annotations

import json
import os
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from hpo_torch import __version__
from hpo_torch.plugin_api import HpoTorchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pydantic import SecretStr
    from requests import Response

Record = dict[str, Any]

V2_URL: Final = ("RUNPOD_API_V2_URL", "https://api.runpod.io/v2")
JOBS_URL: Final = ("RUNPOD_ENDPOINT_BASE_URL", "https://api.runpod.ai/v2")
"""Environment variable and default of each base URL; the second is the SDK's own."""

TIMEOUT = 30.0
"""Seconds for one answer."""

TRIES = 5
"""Per request, with up to 8 s between them."""

_UNAUTHORIZED, FORBIDDEN, NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 401, 403, 404, 429, 500


class ApiError(HpoTorchError):
    """RunPod refused a request, or did not answer.

    Attributes:
        status: HTTP status; None where there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        """Take a message for people, and the status."""
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status is None or self.status == _TOO_MANY or self.status >= _SERVER_ERROR

    @property
    def unauthorized(self) -> bool:
        """Whether the key is not valid."""
        return self.status == _UNAUTHORIZED


class RestApi:
    """RunPod's REST API with an account's key.

    Args:
        key: The account's; sent as a header, never shown.
        timeout: Seconds for one answer.
        tries: How often a request is made whose answer is 429, 5xx or none.
    """

    def __init__(self, key: SecretStr, *, timeout: float = TIMEOUT, tries: int = TRIES) -> None:
        self._key = key
        self._timeout = timeout
        self._tries = tries

    def endpoints(self) -> list[Record]:
        """Return all endpoints; their `env` may hold secrets."""
        return _listed(self._ask("GET", "serverless"), "endpoints")

    def endpoint(self, endpoint: str) -> Record:
        """Return one endpoint; its `env` may hold secrets."""
        return _record(self._ask("GET", f"serverless/{quote(endpoint)}"))

    def create_endpoint(self, content: Record) -> Record:
        """Make an endpoint; not repeated when no answer comes, as it may have been made."""
        return _record(self._ask("POST", "serverless", content))

    def update_endpoint(self, endpoint: str, content: Record) -> Record:
        """Change an endpoint; another image or environment replaces its workers."""
        return _record(self._ask("PATCH", f"serverless/{quote(endpoint)}", content))

    def delete_endpoint(self, endpoint: str) -> None:
        """Delete an endpoint with its workers; one that is gone already is no error."""
        self._delete(f"serverless/{quote(endpoint)}")

    def workers(self, endpoint: str) -> list[Record]:
        """Return an endpoint's workers that there are now."""
        return _listed(self._ask("GET", f"serverless/{quote(endpoint)}/workers"), "workers")

    def worker_log(
        self, endpoint: str, worker: str, *, tail: int, quiet: float | None
    ) -> Iterator[str]:
        """Yield the last `tail` lines of a worker's log, and those that come.

        Args:
            endpoint: Its endpoint.
            worker: Its id.
            tail: Lines from before, 0..5000.
            quiet: Seconds without a line that end it; None goes on while the worker lives.
        """
        place = f"serverless/{quote(endpoint)}/workers/{quote(worker)}/logs"
        url = f"{_base(V2_URL)}/{place}?tail={tail}"
        response = self._send("GET", url, timeout=(self._timeout, quiet), stream=True)
        with response:
            self._check(response, "GET", url)
            for line in _lines(response):
                yield self._without_key(line)

    def pods(self) -> list[Record]:
        """Return all pods; workers of endpoints are none."""
        return _listed(self._ask("GET", "pods"), "pods")

    def delete_pod(self, pod: str) -> None:
        """Terminate a pod; one that is gone already is no error."""
        self._delete(f"pods/{quote(pod)}")

    def health(self, endpoint: str) -> Record:
        """Return how many jobs and workers an endpoint has, by state."""
        return _record(self._ask("GET", f"{quote(endpoint)}/health", base=JOBS_URL))

    def gpus(self) -> list[Record]:
        """Return all kinds of GPU with their pools, prices and availability."""
        path = "catalog/gpus?include=AVAILABILITY&product=SERVERLESS"
        return _listed(self._ask("GET", path), "gpus")

    def billed(self, endpoint: str, start: datetime, end: datetime) -> float:
        """Return what RunPod has billed for an endpoint, USD, in whole hours around [start, end).

        Bills lag behind, by minutes at least.
        """
        query = f"serverlessId={quote(endpoint)}&bucketSize=hour"
        times = f"startTime={_rfc3339(start)}&endTime={_rfc3339(end)}"
        records = _listed(self._ask("GET", f"billing/serverless?{query}&{times}"), "records")
        return sum(
            float(record["totalAmount"])
            for record in records
            if record.get("serverlessId") == endpoint
        )

    def _delete(self, path: str) -> None:
        try:
            self._ask("DELETE", path)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def _ask(
        self,
        method: str,
        path: str,
        content: Record | None = None,
        base: tuple[str, str] = V2_URL,
    ) -> Any:
        from tenacity import Retrying, retry_if_exception, stop_after_attempt
        from tenacity import wait_random_exponential as growing

        retrying = Retrying(
            retry=retry_if_exception(lambda error: _worth_repeating(error, method)),
            stop=stop_after_attempt(self._tries),
            wait=growing(multiplier=0.5, max=8.0),
            reraise=True,
        )
        return retrying(self._ask_once, method, f"{_base(base)}/{path}", content)

    def _ask_once(self, method: str, url: str, content: Record | None) -> Any:
        response = self._send(method, url, json=content, timeout=self._timeout)
        self._check(response, method, url)
        if not response.content:
            return {}
        try:
            return response.json()
        except ValueError as error:
            raise ApiError(f"RunPod's answer to {method} {_place(url)} is no JSON") from error

    def _send(
        self, method: str, url: str, *, timeout: float | tuple[float, float | None], **options: Any
    ) -> Response:
        import requests

        headers = {
            "Authorization": f"Bearer {self._key.get_secret_value()}",
            # Cloudflare, in front of RunPod, refuses some libraries' own names.
            "User-Agent": f"hpo-torch/{__version__}",
        }
        try:
            return requests.request(method, url, headers=headers, timeout=timeout, **options)
        except requests.RequestException as error:
            what = type(error).__name__
            raise ApiError(f"RunPod did not answer: {method} {_place(url)}: {what}") from error

    def _check(self, response: Response, method: str, url: str) -> None:
        if response.ok:
            return
        status, said = response.status_code, self._without_key(_detail(response))
        hint = " Is the key in RUNPOD_API_KEY right?" if status == _UNAUTHORIZED else ""
        raise ApiError(f"RunPod refused {method} {_place(url)}: HTTP {status} {said}{hint}", status)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key.get_secret_value(), "...")


def _worth_repeating(error: BaseException, method: str) -> bool:
    if not isinstance(error, ApiError) or not error.passing:
        return False
    # What a POST makes has no key of ours: without an answer nobody knows whether it was made.
    return method != "POST" or error.status == _TOO_MANY


def _lines(response: Response) -> Iterator[str]:
    """Yield the lines that a stream of server-sent events brings, until it ends or is quiet."""
    import requests

    try:
        for raw in response.iter_lines(chunk_size=1):  # each as it comes
            field, _, value = raw.decode("utf-8", errors="replace").partition(":")
            if field == "data":
                yield str(json.loads(value).get("line", "")).rstrip("\n")
    except requests.RequestException:  # quiet for as long as was said, or the worker has ended
        return
    except ValueError as error:
        raise ApiError(f"RunPod's log is not what it was: {error}") from error


def _detail(response: Response) -> str:
    """Return what a refusal says: v2's is an RFC 9457 problem with a `detail`."""
    try:
        said = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        said = response.text
    return str(said).strip()[:500]


def _base(setting: tuple[str, str]) -> str:
    name, default = setting
    return (os.environ.get(name, "").strip() or default).rstrip("/")


def _place(url: str) -> str:
    return url.partition("?")[0]


def _record(answer: Any) -> Record:
    if not isinstance(answer, dict):
        raise ApiError(f"RunPod: expected an object as answer, got {type(answer).__name__}")
    return answer


def _listed(answer: Any, name: str) -> list[Record]:
    records = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ApiError(f"RunPod: expected {name} as answer, got {str(answer)[:200]}")
    return records


def _rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
