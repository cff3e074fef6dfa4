"""A job's events from the first one on, over as many connections as it takes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from hpo_torch.plugin_api import HpoTorchError
from hpo_torch.protocol.events import parse_event
from hpo_torch_server.client.refusals import ServerError, UnreachableError
from hpo_torch_server.client.target import job_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    from httpx_sse import ServerSentEvent

    from hpo_torch.plugin_cli import Told
    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch_server.client.connection import Connection

EVENT_STREAM: Final = "text/event-stream"

PATIENCE_SECONDS: Final = 600.0
"""How long a lost server is looked for: a restart, a laptop that changes its network."""

QUIET_SECONDS: Final = 50.0
"""Three heartbeats: a connection that brings nothing for so long is dead."""


class EventStream:
    """One job's events.

    A lost connection is made again with the last event's number: no event is missed, and none is
    told twice.

    Args:
        connection: To the server.
        job: The job's id.
        note: Takes one line about the connection; "" when it is good again.
        told_state: Takes the job's state, at first and whenever it changes.

    Attributes:
        state: The job's last state that was told; "" before the first.
        last: Number of the last event; 0 before the first.
    """

    def __init__(
        self,
        connection: Connection,
        job: str,
        *,
        note: Callable[[str], None],
        told_state: Callable[[str], None],
    ) -> None:
        self._connection, self._job = connection, job
        self._note, self._told_state = note, told_state
        self._began = ""
        self._ended, self._lost = False, False
        self.state, self.last = "", 0

    def told(self) -> Iterator[Told]:
        """Yield events, and whether they happened before this stream began, until the job ends.

        Raises:
            HpoTorchError: The server refuses, or cannot be reached for `PATIENCE_SECONDS`.
        """
        backoff = self._connection.backoff(PATIENCE_SECONDS)
        while True:
            since, last = time.monotonic(), self.last
            try:
                yield from self._one_connection()
                if self._ended:
                    return
            except UnreachableError as error:
                if self.last != last or time.monotonic() - since > QUIET_SECONDS:
                    backoff.reset()  # it was a good connection
                self._note(f"connection lost, trying again: {error}")
                self._lost = True
                backoff.wait(error)

    def _one_connection(self) -> Iterator[Told]:
        """Yield what one connection brings; returns where the server says that it is to be closed.

        Raises:
            HpoTorchError: As for `told`, at once.
        """
        from httpx_sse import EventSource

        path, headers = job_path(self._job, "events"), {"Accept": EVENT_STREAM}
        if self.last:
            headers["Last-Event-ID"] = str(self.last)
        with self._connection.stream(path, headers, quiet_seconds=QUIET_SECONDS) as response:
            self._check(response)
            if self._lost:
                self._note("")
                self._lost = False
            for message in EventSource(response).iter_sse():
                if message.event == "state":
                    self._take_state(_content(message))
                elif message.event == "end":
                    self._take_state(_content(message))
                    self._ended = True
                    return
                elif message.event == "resync":
                    self._resync(_content(message))
                    return
                elif message.data:  # without data it is a heartbeat's empty line
                    event = self._take_event(message)
                    yield [event], event.time < self._began
        raise UnreachableError(f"{self._connection.target.url}: the connection was closed")

    def _check(self, response: httpx.Response) -> None:
        if not response.headers.get("Content-Type", "").startswith(EVENT_STREAM):
            raise ServerError(
                f"{self._connection.target.url}: expected a stream of events, got "
                f"{response.headers.get('Content-Type', 'nothing')}. Is there a proxy in between?"
            )
        if not self._began:
            # By the server's clock, as the events' times are; this machine's may be wrong.
            date = response.headers.get("Date")
            now = parsedate_to_datetime(date) if date else datetime.now(UTC)
            self._began = now.astimezone(UTC).isoformat(timespec="milliseconds")

    def _take_event(self, message: ServerSentEvent) -> AnyEvent:
        try:
            event = parse_event(message.data)
        except ValidationError as error:
            raise HpoTorchError(
                f"an event of {self._job} is not understood ({error.errors()[0]['msg']}): the "
                "server runs another version of hpo-torch. Install the same one here."
            ) from error
        if event.seq != self.last + 1:
            raise HpoTorchError(
                f"expected event {self.last + 1} of {self._job}, got {event.seq}: the server's "
                "log of it is damaged"
            )
        self.last = event.seq
        return event

    def _take_state(self, content: dict[str, Any]) -> None:
        state = str(content.get("state", ""))
        if state != self.state:
            self.state = state
            self._told_state(state)

    def _resync(self, content: dict[str, Any]) -> None:
        """Go on from where the server says; raises HpoTorchError where that is another log."""
        if content.get("after") != self.last:
            raise HpoTorchError(
                f"{self._job} was replaced by another run of that name while it was watched. "
                "Watch it again."
            )


def _content(message: ServerSentEvent) -> dict[str, Any]:
    try:
        content = json.loads(message.data)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
