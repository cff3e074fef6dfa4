"""One endpoint's jobs over RunPod's SDK: submit, look, listen, cancel; with retries.

The SDK's own `Job` is not used: it loses the error of a failed job, its `stream()` never ends after
a cancel, and it retries nothing over https (runpod-python 1.12.0, `endpoint/runner.py`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import HpoTorchError

if TYPE_CHECKING:
    from pydantic import SecretStr

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
"""Until the next bytes of an answer; the SDK's own is 10, too short for what waits behind 429s."""

PATIENCE_SECONDS: Final = 30.0
"""How long one request is repeated while errors say that it may succeed later."""

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 8.0

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
QUEUED: Final = "IN_QUEUE"

_NOT_FOUND: Final = 404
_SERVER_ERROR: Final = 500
_PASSING: Final = frozenset({408, 425, 429})  # time-out, too early, too many


class EndpointError(HpoTorchError):
    """RunPod did not do what it was asked."""


class KeyRefusedError(EndpointError):
    """The key is wrong, or of an account that this endpoint does not belong to."""


class NotFoundError(EndpointError):
    """There is no such endpoint, or no such job (any more)."""


class RefusedError(EndpointError):
    """RunPod refuses this request, and would again: it is too large, or not understood."""


class UnreachableError(EndpointError):
    """No good answer in time: too many requests, errors of the server, lost connections."""


class LostAnswerError(UnreachableError):
    """No answer, or none that can be read: RunPod may have done what it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAnswer:
    """What RunPod says of a job.

    Attributes:
        status: IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELLED, TIMED_OUT, or a new word.
        chunks: What came of it since the last time (stream), or all of it (status of a completed
            job).
        error: Why it failed, in the worker's or the platform's words.
        delay_ms: Its wait until a worker took it; None until RunPod tells.
        execution_ms: Its time on the worker; None until RunPod tells.
    """

    status: str
    chunks: list[Any] = field(default_factory=list)
    error: str = ""
    delay_ms: float | None = None
    execution_ms: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED


class EndpointClient:
    """Talks to one endpoint; used by one thread at a time.

    Requests are repeated after 429, 5xx, lost connections and time-outs, with exponentially growing
    random pauses. That a repeated `run` may make two jobs is its caller's to heed: see `ledger`.

    Args:
        endpoint: Its id.
        key: The account's API key.
        closing: Once set, nothing is repeated any more.
        patience: Seconds after which no request is repeated; may be changed at any time.
        first_wait: Seconds of the first pause, at most.

    Attributes:
        bytes_sent: Over HTTP so far, headers included.
        bytes_received: Likewise, as compressed as they came.
    """

    def __init__(
        self,
        endpoint: str,
        key: SecretStr,
        *,
        closing: threading.Event | None = None,
        patience: float = PATIENCE_SECONDS,
        first_wait: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self.bytes_sent, self.bytes_received = 0, 0
        self._key, self._closing = key, closing or threading.Event()
        self.patience, self._first_wait = patience, first_wait
        self._client: Any = None  # the SDK's; made at first use, as its import takes seconds

    def run(self, job_input: dict[str, Any], policy: dict[str, int]) -> str:
        """Submit a job and return its id.

        Args:
            job_input: What the handler gets.
            policy: `executionTimeout` and `ttl`, milliseconds.

        Raises:
            EndpointError: It was not taken; after an `UnreachableError` it may have been.
        """
        answer = self._ask("POST", "run", {"input": job_input, "policy": policy})
        job = answer.get("id")
        if not isinstance(job, str) or not job:
            raise LostAnswerError(f"{self._where}: expected a job's id, got {str(answer)[:200]}")
        return job

    def status(self, job: str) -> JobAnswer:
        """Return a job's state, of a completed one all that came of it; raises EndpointError."""
        answer = self._ask("GET", f"status/{job}")
        return _job_answer(answer, answer.get("output"))

    def stream(self, job: str) -> JobAnswer:
        """Return what came of a job since the last call; raises EndpointError."""
        answer = self._ask("GET", f"stream/{job}")
        pieces = answer.get("stream")
        chunks = pieces if isinstance(pieces, list) else []
        return _job_answer(
            answer, [each.get("output") for each in chunks if isinstance(each, dict)]
        )

    def cancel(self, job: str) -> None:
        """Cancel a job, queued or running; raises EndpointError."""
        self._ask("POST", f"cancel/{job}")

    def health(self) -> dict[str, Any]:
        """Return the numbers of workers and jobs by state; raises EndpointError."""
        return self._ask("GET", "health")

    def close(self) -> None:
        """Close the connection; the next request would open another."""
        if self._client is not None:
            self._client.rp_session.close()

    @property
    def _where(self) -> str:
        return f"RunPod endpoint {self.endpoint}"

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make a request until it succeeds, is refused, or patience ends."""
        from tenacity import (
            Retrying,
            retry_if_exception_type,
            sleep_using_event,
            stop_after_delay,
            stop_when_event_set,
            wait_random_exponential,
        )

        retrying = Retrying(
            retry=retry_if_exception_type(UnreachableError),
            wait=wait_random_exponential(multiplier=self._first_wait, max=LONGEST_WAIT_SECONDS),
            stop=stop_after_delay(self.patience) | stop_when_event_set(self._closing),
            sleep=sleep_using_event(self._closing),
            reraise=True,
        )
        answer: dict[str, Any] = retrying(self._ask_once, method, path, content)
        return answer

    def _ask_once(self, method: str, path: str, content: dict[str, Any] | None) -> dict[str, Any]:
        from requests import HTTPError, RequestException

        timeout = (CONNECT_SECONDS, ANSWER_SECONDS)
        client, place = self._sdk_client(), f"{self.endpoint}/{path}"
        try:
            if method == "GET":
                answer = client.get(place, timeout=timeout)
            else:
                answer = client.post(place, content, timeout=timeout)
        except HTTPError as error:
            raise self._refusal(path, error.response) from None
        except RequestException as error:
            self._count_sent(error.request)
            raise LostAnswerError(f"{self._where}: {_words(error)}") from None
        except RuntimeError as error:  # the SDK's word for 401
            raise self._wrong_key() from error
        if not isinstance(answer, dict):
            raise LostAnswerError(f"{self._where}: expected a JSON object as answer to {path}")
        return answer

    def _refusal(self, path: str, response: Any) -> EndpointError:
        """Return what an answer of status 400 or more means."""
        status, words = response.status_code, response.text.strip()[:300]
        if status in _PASSING or status >= _SERVER_ERROR:
            return UnreachableError(f"{self._where}: HTTP {status} {response.reason}")
        if status == _NOT_FOUND:
            what = "no such job any more" if "/" in path else "no such endpoint"
            return NotFoundError(
                f"{self._where}: {what} (HTTP 404). Check the id with 'hpo-torch runpod status'."
            )
        return RefusedError(f"{self._where}: HTTP {status} {response.reason}: {words}")

    def _wrong_key(self) -> KeyRefusedError:
        return KeyRefusedError(
            f"{self._where}: RUNPOD_API_KEY is not accepted (HTTP 401). It is mistyped or revoked, "
            "has no right to use this endpoint, or belongs to another account."
        )

    def _sdk_client(self) -> Any:
        if self._client is None:
            import runpod

            key = self._key.get_secret_value()
            self._client = runpod.Endpoint(self.endpoint, api_key=key).rp_client
            self._client.rp_session.hooks["response"].append(self._count)
        return self._client

    def _count(self, response: Any, *_: object, **__: object) -> None:
        """Add up what went over the wire, TLS left out; the first lines are estimated."""
        self._count_sent(response.request)
        received = len(response.content)
        if response.raw.tell() > 0:  # of a compressed body, less than its content
            received = response.raw.tell()
        self.bytes_received += received + _header_bytes(response.headers)

    def _count_sent(self, request: Any) -> None:
        if request is not None:
            body = len(request.body or b"")
            self.bytes_sent += body + _header_bytes(request.headers) + len(request.url or "")


def _job_answer(answer: dict[str, Any], chunks: object) -> JobAnswer:
    return JobAnswer(
        status=str(answer.get("status", "")),
        chunks=chunks if isinstance(chunks, list) else [],
        error=str(answer.get("error") or ""),
        delay_ms=_milliseconds(answer.get("delayTime")),
        execution_ms=_milliseconds(answer.get("executionTime")),
    )


def _milliseconds(value: object) -> float | None:
    return max(0.0, float(value)) if isinstance(value, int | float) else None


def _header_bytes(headers: Any) -> int:
    """Return the size of "name: value" lines, and of the first line's other words."""
    return sum(len(name) + len(value) + 4 for name, value in headers.items()) + 20


def _words(error: Exception) -> str:
    """Return an error of requests in few words: theirs quote addresses of objects."""
    cause = str(error).split("(Caused by", maxsplit=1)[-1].strip("() ")
    return f"{type(error).__name__}: {cause[:200]}"
