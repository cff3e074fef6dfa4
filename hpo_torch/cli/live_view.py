"""A search as a live picture on a terminal, made from its events alone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from hpo_torch.cli.console import BEST, DIM, escape
from hpo_torch.cli.live_picture import render
from hpo_torch.cli.live_state import LiveState
from hpo_torch.cli.plain_view import finish_text, retry_text
from hpo_torch.protocol.events import AnyEvent, HealthAlert, TrialFinished, TrialRetried


class LiveView:
    """Shows a running search; use as a context manager.

    Args:
        console: A terminal.
        state: What is known already: of a run that is resumed or watched.
    """

    def __init__(self, console: Console, state: LiveState | None = None) -> None:
        self._console = console
        self._state = state or LiveState()
        self._live = Live(
            get_renderable=self._render, console=console, refresh_per_second=4, transient=True
        )

    @classmethod
    def resumed(cls, console: Console, earlier: Iterable[AnyEvent]) -> Self:
        """Show what goes on of a run that earlier processes have worked on."""
        state = LiveState()
        state.recall(earlier)
        return cls(console, state)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, traceback)

    def recall(self, event: AnyEvent) -> None:
        """Take in an event that happened before anybody watched: nothing scrolls by."""
        self._state.hear(event)

    def hear(self, event: AnyEvent) -> None:
        """Take in an event; ends, retries and alarms scroll by above the live part."""
        self._state.hear(event)
        if isinstance(event, TrialFinished):
            style = {"complete": "", "pruned": DIM, "failed": "red"}[event.state]
            text = f"trial {event.trial:>3}  {finish_text(event)}"
            self._live.console.print(Text(text, style=BEST if event.best else style))
        elif isinstance(event, TrialRetried):
            text = f"trial {event.trial:>3}  {retry_text(event)}"
            self._live.console.print(Text(text, style="yellow"))
        elif isinstance(event, HealthAlert):
            text = f"trial {event.trial:>3}  health, epoch {event.epoch}: {event.message}"
            self._live.console.print(Text(text, style="yellow"))

    def note(self, message: str) -> None:
        """Show what happens outside of trials; "" shows nothing any more."""
        self._state.note = message

    def warn(self, message: str) -> None:
        """Print a warning above the live part."""
        self._live.console.print(f"[yellow]warning:[/yellow] {escape(message)}")

    def progress(self, file: str, done: int, total: int) -> None:
        """Show a download's progress."""
        share = f"{done / total:.0%} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        self._state.note = f"downloading {file}: {share}"

    def _render(self) -> RenderableType:
        return render(self._state, time.time())
