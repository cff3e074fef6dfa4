"""`hpo-torch watch`: look at a run from another terminal while it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_torch.cli.console import err, out
from hpo_torch.cli.results import OutputDir, find_run
from hpo_torch.cli.view import Told, open_view, show_events
from hpo_torch.errors import HpoTorchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.run_directory import RunDirectory

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
    try:
        with open_view(as_json=as_json) as view:
            show_events(_events_of(directory), view)
    except KeyboardInterrupt:
        err().print("no longer watching; the run goes on", markup=False)
        return
    if not as_json:
        from hpo_torch.cli.outcome import print_outcome
        from hpo_torch.results.summary import RunView

        print_outcome(out(), RunView(directory))


def _events_of(run: RunDirectory) -> Iterator[Told]:
    """Yield what has happened, and then what happens, until the search has ended.

    Raises:
        HpoTorchError: Nobody works on it, and it has not ended.
    """
    from hpo_torch.results.confirmation import confirmation_dir
    from hpo_torch.results.event_tail import RunTail
    from hpo_torch.results.run_lock import working_process
    from hpo_torch.results.summary import resume_command

    tail = RunTail(run.events, confirmation_dir(run.path) / "events.jsonl")
    end, earlier = _End(), True
    quiet_since: float | None = None
    while True:
        events = tail.new()
        end.hear(events)
        yield events, earlier
        if end.reached:
            return
        earlier = False
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
