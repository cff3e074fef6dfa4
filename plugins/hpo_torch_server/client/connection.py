"""Requests to one server: repeated where that is safe, and every bad end is one clear error."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Self

from hpo_torch.plugin_api import MissingDependencyError
from hpo_torch_server.client.backoff import FIRST_WAIT_SECONDS, Backoff
from hpo_torch_server.client.refusals import UnreachableError, lost, not_ours, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    import httpx

    from hpo_torch_server.client.target import Target

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
"""Until the next bytes of an answer."""

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_REFUSED: Final = 300


class Connection:
    """Talks to one server; threads may share it. Use as a context manager.

    Args:
        target: The server.
        patience: Seconds for which one request is repeated.
        closing: Once set, nothing is repeated any more.
        first_wait: Seconds before it is repeated for the first time, at most.
    """

    def __init__(
        self,
        target: Target,
        *,
        patience: float,
        closing: threading.Event | None = None,
        first_wait: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self.target = target
        self._closing = closing or threading.Event()
        self._patience, self._first_wait = patience, first_wait
        self._client = _client(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def close_soon(self) -> None:
        """Have threads that wait or receive end with an error; of a connection that is given up."""
        self._closing.set()

    def pause(self, seconds: float) -> None:
        """Wait; raises UnreachableError if the connection is given up meanwhile."""
        if self._closing.wait(seconds):
            raise UnreachableError(f"{self.target.url}: given up")

    def backoff(self, patience: float | None = None) -> Backoff:
        """Return what waits between attempts, as long as this connection is not closing."""
        seconds = self._patience if patience is None else patience
        return Backoff(seconds, self._closing, self._first_wait)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of an answer; repeated as long as it may succeed later.

        Raises:
            HpoTorchError: The server refuses or cannot be reached.
        """
        return self._ask("GET", path, repeat=True, params=params)

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the items of all pages of a list; raises as `get` does."""
        cursor: dict[str, Any] = {}
        while True:
            page = self.get(path, {**params, **cursor})
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise not_ours(self.target.url, "the answer is no list")
            yield from page["items"]
            if not page.get("next"):
                return
            cursor = {"cursor": page["next"]}

    def post(self, path: str, content: Any = None, *, key: str | None = None) -> Any:
        """Have the server do something that may be done twice, and return the JSON of its answer.

        Args:
            path: Below `Target.api`.
            content: The body, plain JSON; None for none.
            key: An Idempotency-Key: with it the server does it once, however often it is asked.

        Raises:
            HpoTorchError: As for `get`. After an UnreachableError it may have been done.
        """
        headers = None if key is None else {IDEMPOTENCY_KEY: key}
        return self._ask("POST", path, repeat=True, json=content, headers=headers)

    def delete(self, path: str) -> None:
        """Have the server remove something; not repeated if that may have been done.

        Raises:
            HpoTorchError: As for `post`.
        """
        self._ask("DELETE", path, repeat=False)

    @contextmanager
    def stream(
        self,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
        *,
        quiet_seconds: float = ANSWER_SECONDS,
    ) -> Iterator[httpx.Response]:
        """Yield an answer whose content is read in the block; it is asked for once.

        Args:
            path: Below `Target.api`.
            headers: Of the request.
            params: Of the query.
            quiet_seconds: Until the next bytes; longer, and the connection counts as lost.

        Raises:
            HpoTorchError: As for `get`, also where the connection is lost in the block.
        """
        import httpx

        timeout = httpx.Timeout(CONNECT_SECONDS, read=quiet_seconds)
        try:
            with self._client.stream(
                "GET", self.target.api + path, headers=headers, params=params, timeout=timeout
            ) as response:
                if response.status_code >= _REFUSED:
                    response.read()
                    raise refusal(response, self.target.url)
                yield response
        except httpx.HTTPError as error:
            raise lost(error, self.target.url) from error

    def blocks(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield an answer's content as it comes.

        Raises:
            UnreachableError: The connection is given up meanwhile.
        """
        for block in response.iter_bytes():
            if self._closing.is_set():
                raise UnreachableError(f"{self.target.url}: given up")
            yield block

    def _ask(self, method: str, path: str, *, repeat: bool, **options: Any) -> Any:
        backoff = self.backoff()
        while True:
            try:
                return self._ask_once(method, path, options)
            except UnreachableError as error:
                if not (repeat or error.untouched):
                    raise
                backoff.wait(error)

    def _ask_once(self, method: str, path: str, options: dict[str, Any]) -> Any:
        import httpx

        try:
            response = self._client.request(method, self.target.api + path, **options)
        except httpx.HTTPError as error:
            raise lost(error, self.target.url) from error
        if response.status_code >= _REFUSED:
            raise refusal(response, self.target.url)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise not_ours(self.target.url, "the answer is no JSON") from None


def _client(target: Target) -> httpx.Client:
    if missing := [name for name in ("httpx", "httpx_sse") if find_spec(name) is None]:
        raise MissingDependencyError(
            f"hpo-torch remote needs {missing[0]}: pip install 'hpo-torch[server]'"
        )
    import httpx

    from hpo_torch import __version__

    headers = {"User-Agent": f"hpo-torch/{__version__}"}
    if target.key:
        headers["Authorization"] = f"Bearer {target.key}"
    return httpx.Client(
        headers=headers,
        timeout=httpx.Timeout(CONNECT_SECONDS, read=ANSWER_SECONDS),
        trust_env=not target.loopback,  # no proxy stands between this machine and itself
        follow_redirects=False,  # a key is for the server that it was given for
    )
