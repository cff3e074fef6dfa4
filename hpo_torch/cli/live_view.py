"""A search as a live picture on a terminal, made from its events alone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo_torch.cli.console import BEST, DIM, escape
from hpo_torch.cli.live_state import LiveState, TrialRow
from hpo_torch.cli.plain_view import finish_text, retry_text
from hpo_torch.protocol.events import AnyEvent, HealthAlert, TrialFinished, TrialRetried
from hpo_torch.search.pareto import best_objective, front

BARS = " ▁▂▃▄▅▆▇█"
HEALTHY, WEAK = 0.7, 0.4
BAR_WIDTH = 40


def sparkline(values: list[float]) -> str:
    """Draw numbers as blocks between their own minimum and maximum.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▄█'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(BARS[1 + int((value - low) / span * 7)] for value in values)


def clock(seconds: float) -> str:
    """Write seconds as m:ss, or h:mm:ss.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def health_style(value: float) -> str:
    """Colour a health value by how it reads: healthy, weak, ill."""
    return "green" if value >= HEALTHY else "yellow" if value >= WEAK else "red"


class LiveView:
    """Shows a running search; use as a context manager.

    Args:
        console: A terminal.
        earlier: Events of earlier processes, where a run is resumed.
    """

    def __init__(self, console: Console, earlier: Iterable[AnyEvent] = ()) -> None:
        self._console = console
        self._state = LiveState()
        self._state.recall(earlier)
        self._live = Live(
            get_renderable=self._render, console=console, refresh_per_second=4, transient=True
        )

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
        """Show what happens outside of trials."""
        self._state.note = message

    def warn(self, message: str) -> None:
        """Print a warning above the live part."""
        self._live.console.print(f"[yellow]warning:[/yellow] {escape(message)}")

    def progress(self, file: str, done: int, total: int) -> None:
        """Show a download's progress."""
        share = f"{done / total:.0%} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        self._state.note = f"downloading {file}: {share}"

    def _render(self) -> RenderableType:
        return render(self._state, time.monotonic())


def render(state: LiveState, now: float) -> RenderableType:
    """Draw the state as it is at `now` (monotonic seconds)."""
    if state.started is None:
        return Text(state.note or "preparing ...", style=DIM)
    parts: list[RenderableType] = [_headline(state, now)]
    if state.running:
        parts.append(_trials(state))
    elif not state.note:
        parts.append(Text("starting workers ...", style=DIM))
    parts.append(_best(state))
    if state.points:
        parts.append(_front(state))
    if state.note:
        parts.append(Text(f"{state.note} ...", style=DIM))
    return Panel(Group(*parts), title=state.title, title_align="left", border_style=DIM)


def _headline(state: LiveState, now: float) -> Table:
    grid = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=state.total, completed=state.finished, width=BAR_WIDTH)
    remaining = state.seconds_left(now)
    grid.add_row(
        f"[bold]trials[/bold] {state.finished}/{state.total}",
        bar,
        f"elapsed {clock(now - (state.started or now))}",
        f"about {clock(remaining)} left" if remaining is not None else "",
        f"[{DIM}]{state.pruned} pruned, {state.failed} failed[/]",
    )
    return grid


def _trials(state: LiveState) -> Table:
    table = Table(box=None, header_style=DIM, padding=(0, 2, 0, 0))
    for column in ("trial", "epoch", "loss", "val loss", "val acc", "", "health", "score"):
        table.add_column(column, justify="left" if column == "" else "right")
    for row in state.running.values():
        table.add_row(*_cells(row))
    return table


def _cells(row: TrialRow) -> tuple[RenderableType, ...]:
    last = row.last
    trial = f"{row.trial} (attempt {row.retries + 1})" if row.retries else str(row.trial)
    if last is None:
        return (trial, f"0/{row.epochs}", "", "", "", "", "", "")
    health = last.so_far.overall_health
    return (
        trial,
        f"{last.metrics.epoch}/{row.epochs}",
        f"{last.metrics.train_loss:.4f}",
        f"{last.metrics.val_loss:.4f}",
        f"{last.metrics.val_accuracy:.4f}",
        sparkline(row.accuracies),
        Text(f"{health:.3f}", style=health_style(health)) if health is not None else "",
        f"{last.score:.4f}" if last.score is not None else "",
    )


def _front(state: LiveState) -> RenderableType:
    points = state.points
    on_front, best = front(points), best_objective(points)
    if best is None:
        return Text("")
    return Text(
        f"front {len(on_front)} of {len(points)} completed  best {state.objective}: trial "
        f"{best.trial}  {best.objective:.4f}, health {best.health:.3f}"
    )


def _best(state: LiveState) -> RenderableType:
    best = state.best
    if best is None or best.measurements is None:
        return Text("best: none yet", style=DIM)
    text = Text.assemble(
        ("best", "bold"),
        f"  trial {best.trial}  score ",
        (f"{best.score:.4f}", BEST),
        f"  val accuracy {best.measurements.val_accuracy:.4f}",
    )
    for name, reading in best.measurements.health.items():
        if reading.value is not None:
            text.append(f"  {name.replace('_', ' ')} ")
            text.append(f"{reading.value:.2f}", style=health_style(reading.value))
    return text
