"""`hpo-torch watch`: look at a run from another terminal while it goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_torch.cli.console import err, out
from hpo_torch.cli.results import OutputDir, find_run
from hpo_torch.errors import HpoTorchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.run_directory import RunDirectory

    Hear = Callable[[AnyEvent], None]

POLL_SECONDS = 0.25
PATIENCE_SECONDS = 3.0
"""How long after its process is gone a run may still say something that was on its way."""


def watch(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    output_dir: OutputDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON lines, from the first one on.")
    ] = False,
) -> None:
    """Watch a run that another process works on, until its search ends; Ctrl-C stops watching.

    What is watched takes no notice.
    """
    from hpo_torch.results.run_directory import RunDirectory

    directory = RunDirectory.open(find_run(run, output_dir))
    with _view(as_json=as_json) as (first, later):
        try:
            _follow(directory, first, later)
        except KeyboardInterrupt:
            err().print("no longer watching; the run goes on", markup=False)
            return
    if not as_json:
        from hpo_torch.cli.outcome import print_outcome
        from hpo_torch.results.summary import RunView

        print_outcome(out(), RunView(directory))


def _follow(run: RunDirectory, first: Hear, later: Hear) -> None:
    """Show what has happened, and then what happens, until the search has ended.

    Raises:
        HpoTorchError: Nobody works on it, and it has not ended.
    """
    from hpo_torch.results.confirmation import confirmation_dir
    from hpo_torch.results.event_tail import RunTail
    from hpo_torch.results.run_lock import working_process
    from hpo_torch.results.summary import resume_command

    tail = RunTail(run.events, confirmation_dir(run.path) / "events.jsonl")
    end, show = _End(), first
    quiet_since: float | None = None
    while True:
        events = tail.new()
        end.hear(events)
        for event in events:
            show(event)
        if end.reached:
            return
        show = later
        if events or working_process(run.path) is not None:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > PATIENCE_SECONDS:
            raise HpoTorchError(
                f"no process works on {run.path}, and its search has not ended. To go on: "
                f"{resume_command(run.path)}"
            )
        time.sleep(POLL_SECONDS)


class _End:
    """Knows whether the search has ended, and not begun again.

    A confirmation begins and ends within it.
    """

    def __init__(self) -> None:
        self.reached = False
        self._confirming = False

    def hear(self, events: Iterable[AnyEvent]) -> None:
        from hpo_torch.protocol.events import StudyFinished, StudyStarted

        for event in events:
            if isinstance(event, StudyStarted):
                self._confirming, self.reached = event.purpose != "search", False
            elif isinstance(event, StudyFinished):
                self._confirming, self.reached = False, not self._confirming


@contextmanager
def _view(*, as_json: bool) -> Iterator[tuple[Hear, Hear]]:
    """Choose how to show events; yields what takes those of the past, and the new ones."""
    if as_json:
        yield _print_json, _print_json
    elif err().is_terminal:
        from hpo_torch.cli.live_state import LiveState
        from hpo_torch.cli.live_view import LiveView

        state = LiveState()
        with LiveView(err(), state) as view:
            yield state.hear, view.hear
    else:
        from hpo_torch.cli.plain_view import PlainView

        plain = PlainView(out())
        yield plain.hear, plain.hear


def _print_json(event: AnyEvent) -> None:
    sys.stdout.write(event.model_dump_json() + "\n")
    sys.stdout.flush()
