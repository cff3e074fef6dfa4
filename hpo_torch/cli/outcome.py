"""What came of a run, as text: after a search, and again with `hpo-torch show`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from hpo_torch.cli.console import BEST, escape
from hpo_torch.cli.figures import clock, dollars, health_style
from hpo_torch.cli.health_text import print_health_outcome
from hpo_torch.protocol.usage import Cost
from hpo_torch.results.front import Front
from hpo_torch.results.health_metrics import in_order, metric_weights
from hpo_torch.results.records import Confirmation, ConfirmedTrial, RunSummary, TrialResult
from hpo_torch.results.summary import RunView, resume_command

TOP = 5


def print_outcome(console: Console, view: RunView, *, top: int = TOP) -> None:
    """Print the leading trials, the winner, where everything lies, and what to do next."""
    console.print()
    console.print(_leaders(view, top))
    if view.front is not None:
        _print_front(console, view, view.front)
    if view.confirmation is not None:
        _print_confirmation(console, view.confirmation)
    best = view.best
    if best is not None:
        _print_winner(console, view, best)
    print_health_outcome(console, view)
    _print_end(console, view)


def _leaders(view: RunView, top: int) -> Table:
    front = set() if view.front is None else {entry.trial for entry in view.front.trials}
    order = sorted(
        view.trials,
        key=lambda t: (
            t.state == "complete",
            t.trial in front,
            t.score if t.score is not None else -1.0,
        ),
        reverse=True,
    )
    best = view.best.trial if view.best else None
    counts = ", ".join(f"{n} {state}" for state, n in view.counts.items())
    table = Table(
        title=f"{view.name}: {counts}", title_justify="left", title_style="bold", box=None,
        header_style="bold", padding=(0, 2, 0, 0),
    )  # fmt: skip
    for column in ("trial", "state", "score", "val accuracy", "health", "parameters", "epochs"):
        table.add_column(column, justify="left" if column == "state" else "right")
    places = _ran_in_several_places(view.trials)
    if places:
        table.add_column("cost", justify="right", no_wrap=True)
        table.add_column("where")
    for trial in order[:top]:
        cells = [*_cells(trial), *(_place(trial) if places else ())]
        table.add_row(*cells, style=BEST if trial.trial == best else "")
    return table


def _ran_in_several_places(trials: Sequence[TrialResult]) -> bool:
    """Say whether it is a question where a trial ran: elsewhere, or not where another one did."""
    devices = {trial.device for trial in trials if trial.device}
    return len(devices) > 1 or any(trial.usage for trial in trials)


def _place(trial: TrialResult) -> tuple[str, str]:
    """Say what a trial cost, and who trained it on what."""
    cost = dollars(Cost.of(trial.usage)) if trial.usage else ""
    return cost, escape(f"{trial.worker}, {trial.device}" if trial.device else "")


def _cells(trial: TrialResult) -> tuple[str, ...]:
    m = trial.measurements
    return (
        str(trial.trial),
        trial.failure_kind or trial.state,
        _number(trial.score),
        _number(m.val_accuracy if m else None),
        _number(m.overall_health if m else None, 3),
        f"{m.parameters:,}" if m else "",
        str(len(trial.epochs)),
    )


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _print_front(console: Console, view: RunView, front: Front) -> None:
    console.print()
    for line in front_lines(front, view.config.search.optimize_for, view.counts["complete"]):
        console.print(line)
    if front.picks is not None:
        number = front.picks.best_objective
        weights = view.directory.weights(number)
        if number != front.picks.healthiest_within_delta and weights.exists():
            console.print(f"  weights of trial {number}: {escape(str(weights))}", soft_wrap=True)


def front_lines(front: Front, objective: str, completed: int) -> list[str]:
    """Say what the front of objective and health is, and its picks, in lines.

    Args:
        front: The front.
        objective: Name of the objective.
        completed: Number of completed trials.
    """
    low = f"({front.reference[0]:.4g}, {front.reference[1]:.4g})"
    lines = [
        f"[bold]Front of {objective} and health[/bold]  {len(front.trials)} of {completed} "
        f"completed trials, hypervolume {front.hypervolume:.4f} above {low}"
    ]
    if front.picks is None:
        return lines
    values = {entry.trial: entry for entry in front.trials}
    for words, number in (
        (f"healthiest within {front.delta:g} of the best", front.picks.healthiest_within_delta),
        (f"best {objective}", front.picks.best_objective),
    ):
        entry = values[number]
        lines.append(
            f"  {words}: trial {number}  {objective} {entry.objective:.4f}  "
            f"health {entry.health:.3f}"
        )
    return lines


def _print_confirmation(console: Console, confirmation: Confirmation) -> None:
    console.print()
    console.print("[bold]Confirmed on fresh seeds[/bold] (mean ± standard deviation)")
    for entry in confirmation.trials:
        style = BEST if entry.trial == confirmation.winner else ""
        console.print(confirmed_text(entry), style=style)


def confirmed_text(entry: ConfirmedTrial) -> str:
    """Say what came of training a trial again, in one line."""
    if entry.mean is None:
        result = "no repetition could be scored"
    else:
        spread = "" if entry.deviation is None else f" ± {entry.deviation:.4f}"
        seeds = "1 seed" if entry.scored == 1 else f"{entry.scored} seeds"
        result = f"{entry.mean:.4f}{spread} over {seeds}"
    moved = "" if entry.rank == entry.searched_rank else f" (was {entry.searched_rank})"
    return f"  {entry.rank}  trial {entry.trial}: {result}; searched {entry.searched:.4f}{moved}"


def _print_winner(console: Console, view: RunView, best: TrialResult) -> None:
    console.print()
    console.print(f"[bold]Best: trial {best.trial}[/bold]", _values(best))
    if best.measurements is not None and best.measurements.health:
        console.print("[bold]Health[/bold]", _health(best, metric_weights(view.config.health)))
    report = view.test_report
    if report is not None:
        low, high = report.interval
        console.print(
            f"[bold]Test accuracy {report.accuracy:.4f}[/bold]  "
            f"(95 % interval {low:.4f} to {high:.4f}, {report.examples:,} examples, scored once)"
        )


def _values(trial: TrialResult) -> str:
    return escape(
        "  ".join(
            f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in trial.hyperparameters.items()
        )
    )


def _health(trial: TrialResult, weights: dict[str, float]) -> str:
    """Say what the metrics that count have measured; `hpo-torch health` shows the others too."""
    if trial.measurements is None:
        return ""
    parts = []
    for name, reading, weight in in_order(trial.measurements.health, weights):
        if weight <= 0.0:
            continue
        if reading.value is None:
            parts.append(f"{name} not measured: {escape(reading.reason or '')}")
        else:
            parts.append(f"{name} [{health_style(reading.value)}]{reading.value:.3f}[/]")
    return "  ".join(parts)


def _print_end(console: Console, view: RunView) -> None:
    path = view.directory.path
    console.print()
    reason = "" if view.summary is None else view.summary.reason
    go_on = "  " + escape(resume_command(path, reason))
    if view.summary is None:
        console.print("The run has not ended. If no process works on it any more:")
        console.print(go_on, soft_wrap=True)
    else:
        _print_summary(console, view.summary)
        if not view.is_complete:
            console.print("To go on:")
            console.print(go_on, soft_wrap=True)
    console.print(f"Results: {escape(str(path))}", soft_wrap=True)
    console.print(f"  hpo-torch show {escape(str(path))} --trials", soft_wrap=True)
    console.print(f"  hpo-torch optimize --config {escape(str(path))}/config.yaml", soft_wrap=True)
    console.print("  hpo-torch runs", soft_wrap=True)


def _print_summary(console: Console, summary: RunSummary) -> None:
    parts = [summary.reason, clock(summary.seconds)]
    if summary.cost is not None:
        parts.append(f"cost {dollars(summary.cost)}")
    if summary.unfinished:
        parts.append(f"{summary.unfinished} in training when it was stopped")
    console.print(", ".join(parts))
    if summary.best_trial is None:
        console.print("No trial has completed yet.")
    if summary.rejected:
        asked = summary.rejected + summary.unfinished + sum(summary.counts.values())
        console.print(
            f"{summary.rejected} of {asked} proposed configurations "
            f"({summary.rejected / asked:.0%}) were too large or trained before, and not trained"
        )
