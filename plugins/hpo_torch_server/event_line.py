"""One event of a log as it is stored, and as it is sent: made once, for all watchers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fastapi.sse import format_sse_event

from hpo_torch.plugin_runs import LINE_KIND


@dataclass(frozen=True)
class EventLine:
    """One event.

    Attributes:
        seq: Its number, which is the line's, from 1.
        raw: The JSON, without the line's end.
    """

    seq: int
    raw: bytes

    @cached_property
    def kind(self) -> str:
        """The event's kind; "" where the line has none."""
        match = LINE_KIND.search(self.raw)
        return match[1].decode() if match else ""

    @cached_property
    def server_sent(self) -> bytes:
        """The event as text/event-stream."""
        return format_sse_event(data_str=self._text, event=self.kind or None, id=str(self.seq))

    @cached_property
    def websocket(self) -> str:
        """The event as a WebSocket's message."""
        return f'{{"type":"event","seq":{self.seq},"event":{self._text}}}'

    @property
    def _text(self) -> str:
        return self.raw.decode(errors="replace")
