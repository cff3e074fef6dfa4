"""A search as one picture that fits the terminal: from 80 columns by 24 lines up."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo_torch.cli.console import BEST, DIM
from hpo_torch.cli.figures import bar, clock, dollars, health_style, sparkline
from hpo_torch.cli.live_state import Alarm, LiveState, TrialRow
from hpo_torch.protocol.events import TrialFinished
from hpo_torch.search.pareto import best_objective, front

WIDE = 120
"""Columns from which the best trial's health stands beside what is trained."""

WITH_LOSSES = 150
"""Columns from which losses and longer curves have room."""

FEWEST_ROWS = 2
_BAR = 24
_METRIC_BAR = 12
_CURVE, _WIDE_CURVE = 12, 20
_FRAME = 2
_SIDES = 4
_RIGHT = 43
_LOW = 18
_NARROW = "\n      "


@dataclass(frozen=True, slots=True)
class LivePicture:
    """Draws the state as it is at `now` (seconds since 1970), in the room that there is."""

    state: LiveState
    now: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for a console."""
        # One line less: a terminal scrolls when its last one is ended.
        height = (options.height or options.size.height) - 1
        yield _Drawer(self.state, self.now, options.max_width, height).draw()


def render(state: LiveState, now: float) -> RenderableType:
    """Return a picture of the state as it is at `now` (seconds since 1970)."""
    if state.started is None:
        return Text(state.note or "preparing ...", style=DIM)
    return LivePicture(state, now)


class _Drawer:
    def __init__(self, state: LiveState, now: float, width: int, height: int) -> None:
        self._state, self._now = state, now
        self._wide = width >= WIDE
        self._losses = width >= WITH_LOSSES
        self._width = width - _SIDES
        self._height = height - _FRAME

    def draw(self) -> RenderableType:
        body = self._beside() if self._wide else self._below()
        title = _line(self._state.title, width=self._width)
        return Panel(body, title=title, title_align="left", border_style=DIM)

    def _below(self) -> RenderableType:
        head, foot = self._head(), [*self._best(), *self._notes()]
        kept = 3 if self._height > _LOW else 1
        alarms = self._alarms(kept, self._width)
        rows = self._height - len(head) - len(foot) - len(alarms)
        return Group(*head, *self._trials(rows), *foot, *alarms)

    def _beside(self) -> RenderableType:
        head, notes = self._head(), self._notes()
        right = self._best_in_bars()
        half = self._width - _RIGHT
        alarms = self._alarms(5, half)
        rows = self._height - len(head) - len(notes) - len(alarms)
        grid = Table.grid(padding=(0, 3, 0, 0))
        grid.add_column(width=half)
        grid.add_column()
        grid.add_row(Group(*self._trials(rows), *alarms), Group(*right))
        return Group(*head, grid, *notes)

    def _head(self) -> list[RenderableType]:
        state = self._state
        grid = Table.grid(padding=(0, 2))
        remaining = state.seconds_left(self._now)
        grid.add_row(
            f"[bold]trials[/bold] {state.finished}/{state.total}",
            ProgressBar(total=state.total, completed=state.finished, width=_BAR),
            f"elapsed {clock(max(0.0, self._now - (state.started or self._now)))}",
            f"about {clock(remaining)} left" if remaining else "",
        )
        parts = [f"{state.completed} complete, {state.pruned} pruned, {state.failed} failed"]
        if (cost := state.spending.cost) is not None:
            parts.append(dollars(cost))
        rates = state.a_minute(self._now)
        if rates is not None:
            parts.append(f"{rates[0]:.1f} trials and {rates[1]:.1f} epochs a minute")
        return [grid, Text(" · ".join(parts), style=DIM, no_wrap=True, overflow="ellipsis")]

    def _trials(self, lines: int) -> list[RenderableType]:
        """Draw what is trained now, in so many lines, two of them for heading and idle workers."""
        state = self._state
        if not state.running:
            begun = state.workers or state.note or state.finished == state.total
            return [] if begun else [Text("starting workers ...", style=DIM)]
        idle = [_line(f"idle: {', '.join(state.idle)}", style=DIM)] if state.idle else []
        room = max(FEWEST_ROWS, lines - 1 - len(idle))
        rows = list(state.running.values())
        shown = rows if len(rows) <= room else rows[: room - 1]
        rest = len(rows) - len(shown)
        more = [Text(f"... and {rest} more in training", style=DIM)] if rest else []
        return [self._table(shown), *more, *idle]

    def _table(self, rows: list[TrialRow]) -> Table:
        losses = ("loss", "val loss") if self._losses else ()
        names = ("trial", "worker", "epoch", *losses, "val acc", "", "health", "score")
        table = Table(box=None, header_style=DIM, padding=(0, 2, 0, 0))
        for name in names:
            table.add_column(
                name,
                justify="left" if name in ("", "worker") else "right",
                no_wrap=True,
                overflow="ellipsis",
                max_width=20 if name == "worker" else None,
            )
        for row in rows:
            table.add_row(*_cells(row, losses=self._losses))
        return table

    def _alarms(self, most: int, width: int) -> list[RenderableType]:
        alarms = list(self._state.alarms)[-most:]
        if not alarms:
            return []
        return [Text("alarms", style="bold"), *(_alarm(alarm, width) for alarm in alarms)]

    def _best(self) -> list[RenderableType]:
        best = self._state.best
        lines = [_best_line(best), *self._climb()]
        if best is not None and best.measurements is not None:
            lines += _packed(_health_words(best), self._width)
        return lines

    def _best_in_bars(self) -> list[RenderableType]:
        best = self._state.best
        lines = [_best_line(best, _NARROW), *self._climb()]
        if best is None or best.measurements is None:
            return lines
        for name, reading in best.measurements.health.items():
            label = f"{name.replace('_', ' '):<22} "
            if reading.value is None:
                lines.append(_line(f"{label}not measured", style=DIM))
                continue
            style = health_style(reading.value)
            line = Text.assemble(label, (bar(reading.value, _METRIC_BAR), style), no_wrap=True)
            lines.append(line.append(f" {reading.value:.2f}", style=style))
        return lines

    def _climb(self) -> list[RenderableType]:
        climb = self._state.climb
        if len(climb) < 2:  # noqa: PLR2004 - a curve needs two points
            return []
        curve = sparkline(climb[-2 * _WIDE_CURVE :])
        return [Text(f"best so far  {curve}  {climb[0]:.4f} to {climb[-1]:.4f}", no_wrap=True)]

    def _notes(self) -> list[RenderableType]:
        lines: list[RenderableType] = []
        if self._state.points:
            lines.append(_front(self._state))
        if self._state.note:
            lines.append(_line(f"{self._state.note} ...", style=DIM))
        return lines


def _line(text: str, *, style: str = "", width: int | None = None) -> Text:
    """Return one line, cut where it is too long."""
    line = Text(text, style=style, no_wrap=True, overflow="ellipsis")
    if width is not None:
        line.truncate(width, overflow="ellipsis")
    return line


def _cells(row: TrialRow, *, losses: bool) -> tuple[RenderableType, ...]:
    last = row.last
    trial = f"{row.trial} (attempt {row.retries + 1})" if row.retries else str(row.trial)
    worker = Text(row.worker or "...")
    if row.device:
        worker.append(f" {row.device.partition(' ')[0]}", style=DIM)
    if last is None:
        return (trial, worker, f"0/{row.epochs}")
    health = last.so_far.overall_health
    figures = (f"{last.metrics.train_loss:.4f}", f"{last.metrics.val_loss:.4f}") if losses else ()
    return (
        trial,
        worker,
        f"{last.metrics.epoch}/{row.epochs}",
        *figures,
        f"{last.metrics.val_accuracy:.4f}",
        sparkline(row.accuracies[-(_WIDE_CURVE if losses else _CURVE) :]),
        Text(f"{health:.3f}", style=health_style(health)) if health is not None else "",
        f"{last.score:.4f}" if last.score is not None else "",
    )


def _alarm(alarm: Alarm, width: int) -> Text:
    style = "red" if alarm.severe else "yellow"
    return _line(f"  trial {alarm.trial}, {alarm.text}", style=style, width=width)


def _best_line(best: TrialFinished | None, between: str = "  ") -> RenderableType:
    if best is None or best.measurements is None:
        return Text("best: none yet", style=DIM)
    score = "" if best.score is None else f"{best.score:.4f}"
    line = Text.assemble(("best", "bold"), f"  trial {best.trial}  score ", (score, BEST))
    line.append(f"{between}val accuracy {best.measurements.val_accuracy:.4f}")
    health = best.measurements.overall_health
    if health is not None:
        line.append("  health ")
        line.append(f"{health:.3f}", style=health_style(health))
    line.no_wrap = True
    return line


def _health_words(best: TrialFinished) -> list[tuple[str, float]]:
    health = best.measurements.health if best.measurements else {}
    return [(n.replace("_", " "), r.value) for n, r in health.items() if r.value is not None]


def _packed(words: list[tuple[str, float]], width: int) -> list[RenderableType]:
    """Set values by name into as few lines as they need."""
    lines: list[Text] = []
    for name, value in words:
        entry = Text.assemble(f"  {name} ", (f"{value:.2f}", health_style(value)), no_wrap=True)
        if lines and len(lines[-1]) + len(entry) <= width:
            lines[-1].append_text(entry)
        else:
            lines.append(entry)
    return list(lines)


def _front(state: LiveState) -> RenderableType:
    points = state.points
    on_front, best = front(points), best_objective(points)
    if best is None:
        return Text("")
    return _line(
        f"front {len(on_front)} of {len(points)} completed  best {state.objective}: trial "
        f"{best.trial}  {best.objective:.4f}, health {best.health:.3f}"
    )
