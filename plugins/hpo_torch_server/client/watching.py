"""`hpo-torch remote URL watch` and `attach`: what a job does, as the local `watch` shows it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_torch.plugin_api import HpoTorchError, UsageError
from hpo_torch.plugin_cli import open_view, print_table, say, show_events
from hpo_torch_server.client.connecting import connected, the_target

if TYPE_CHECKING:
    from hpo_torch.plugin_cli import View
    from hpo_torch_server.client.connection import Connection
    from hpo_torch_server.client.target import Target

OFFERED = 20
"""So many of the newest jobs are offered to be attached to."""

JsonEvents = Annotated[
    bool, typer.Option("--json", help="Print events as JSON lines, from the first one on.")
]


def watch(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="Id of a job: `jobs` lists them.")],
    as_json: JsonEvents = False,
) -> None:
    """Watch a job until it ends; Ctrl-C stops watching.

    The job takes no notice. A lost connection is made again without a gap.
    """
    with connected(the_target(context)) as connection:
        watch_to_its_end(connection, job, as_json=as_json)


def attach(context: typer.Context) -> None:
    """Choose one of the newest jobs from a list, and watch it."""
    with connected(the_target(context)) as connection:
        job = choose(connection, "Number of the job")
        watch_to_its_end(connection, str(job), as_json=False)


def choose(connection: Connection, question: str, other: str = "") -> str | None:
    """Have the user choose one of the newest jobs.

    Args:
        connection: To the server.
        question: What is asked.
        other: What else there is to choose, as number 0; "" for nothing.

    Returns:
        The job's id; None where `other` was chosen, or there are no jobs and there is another
        choice.

    Raises:
        UsageError: There are no jobs, or nobody can be asked.
    """
    from hpo_torch_server.client.jobs import job_of, list_jobs, table

    found = [job_of(item, connection.target.url) for item in list_jobs(connection, limit=OFFERED)]
    if not found and other:
        return None
    if not found:
        start = connection.target.command("optimize")
        raise UsageError(f"{connection.target.url} has no jobs; start one: {start}")
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked, as this is no terminal: name a job, `watch JOB`")
    columns, rows = table(found)
    print_table("Jobs", ("", *columns), [(n, *row) for n, row in enumerate(rows, 1)])
    if other:
        say(f"0: {other}")
    while True:
        number: int = typer.prompt(question, type=int, err=True)
        if number == 0 and other:
            return None
        if 1 <= number <= len(found):
            return found[number - 1].job_id
        say(f"expected a number from {0 if other else 1} to {len(found)}, got {number}")


def watch_to_its_end(connection: Connection, job: str, *, as_json: bool) -> None:
    """Show a job until it ends, and then what came of it; Ctrl-C ends the watching only.

    Raises:
        HpoTorchError: The job failed; or the server refuses, or is lost for long.
    """
    try:
        with open_view(as_json=as_json) as view:
            show_job(connection, job, view)
    except KeyboardInterrupt:
        say_how_to_go_on(connection.target, job, "no longer watching")
        return
    if not as_json:
        _print_end(connection, job)
    check_end(connection, job)


def show_job(connection: Connection, job: str, view: View) -> str:
    """Show a job in a view until it ends; returns its last state; raises HpoTorchError."""
    from hpo_torch_server.client.event_stream import EventStream
    from hpo_torch_server.client.jobs import ENDED

    def note_state(state: str) -> None:
        if state == "paused":
            go_on = connection.target.command("resume", job)
            view.note(f"the job is paused; to go on: {go_on}")
        else:
            view.note("" if state == "running" or state in ENDED else f"the job is {state}")

    stream = EventStream(connection, job, note=view.note, told_state=note_state)
    show_events(stream.told(), view)
    return stream.state


def check_end(connection: Connection, job: str) -> None:
    """Take notice of how a job has ended.

    Raises:
        HpoTorchError: It failed; the message says why.
    """
    from hpo_torch_server.client.jobs import read_job

    found = read_job(connection, job)
    if found.status == "failed":
        raise HpoTorchError(f"{job} failed: {found.error}")


def say_how_to_go_on(target: Target, job: str, what: str) -> None:
    """Say that the job goes on without us, and what to do about that."""
    say(f"{what}; {job} goes on at {target.url}")
    for command in ("watch", "fetch", "stop"):
        say(f"  to {command} it: {target.command(command, job)}")


def _print_end(connection: Connection, job: str) -> None:
    from hpo_torch_server.client.jobs import read_job

    found, target = read_job(connection, job), connection.target
    score = f", best score {found.score_text}" if found.score_text else ""
    sys.stdout.write(f"{job} is {found.words}{score}\n")
    say(f"to fetch its results: {target.command('fetch', job)}")
    if found.status in ("stopped", "failed"):
        say(f"to go on with it: {target.command('resume', job)}")
