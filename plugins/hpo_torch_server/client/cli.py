"""`hpo-torch remote URL COMMAND`: searches on a server, with the local commands' options."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from hpo_torch.plugin_api import UsageError
from hpo_torch.plugin_cli import AsJson, agreed, print_json, print_table, say
from hpo_torch_server.client.connecting import connected, the_target
from hpo_torch_server.client.fetching import fetch
from hpo_torch_server.client.optimizing import optimize
from hpo_torch_server.client.watching import attach, watch

app = typer.Typer(no_args_is_help=True)

AJob = Annotated[str, typer.Argument(help="Id of a job: `jobs` lists them.")]


@app.callback()
def remote(
    context: typer.Context,
    url: Annotated[
        str, typer.Argument(help="Address of the server: http://127.0.0.1:8000, https://HOST ...")
    ],
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="HPO_TORCH_API_KEY",
            help="Key of the server; other users of this machine see options, not variables.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start, watch, stop and fetch searches on a server (`hpo-torch serve`)."""
    from hpo_torch_server.client.target import Target

    context.obj = Target.of(url, api_key)


app.command()(optimize)


@app.command()
def jobs(
    context: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only those in this state; repeatable.", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Show this many at most.", min=1, show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List your jobs, newest first, and runs that the server's machine started itself."""
    from hpo_torch_server.client.jobs import job_of, list_jobs, table

    target = the_target(context)
    with connected(target) as connection:
        found = list_jobs(connection, state or [], limit)
    if as_json:
        print_json(found)
        return
    if not found:
        say(f"{target.url} has no such jobs; start one: {target.command('optimize')}")
        return
    columns, rows = table([job_of(item, target.url) for item in found])
    print_table("Jobs", columns, rows)


app.command()(watch)
app.command()(attach)
app.command()(fetch)


@app.command()
def stop(
    context: typer.Context,
    job: Annotated[
        str | None, typer.Argument(help="Id of a job: `jobs` lists them.", show_default=False)
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All of your jobs that wait or work.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop a job: trials in training end with their epoch. It can be resumed."""
    if (job is None) is not all_:
        raise UsageError("stop: expected a job's id or --all, and not both")
    if job is not None:
        _order(context, job, "stop", as_json=as_json)
        return
    with connected(the_target(context)) as connection:
        answer = connection.post("/jobs/stop")
    if as_json:
        print_json(answer)
        return
    for stopped in answer["stopped_jobs"]:
        sys.stdout.write(f"{stopped}\n")
    for failed in answer["failed_stops"]:
        say(f"{failed['job_id']} was not stopped: {failed['detail']}")
    if answer["failed_stops"]:
        raise typer.Exit(1)


@app.command()
def pause(context: typer.Context, job: AJob, as_json: AsJson = False) -> None:
    """Have a job give its place to the next one, until it is resumed."""
    _order(context, job, "pause", as_json=as_json)


@app.command()
def resume(context: typer.Context, job: AJob, as_json: AsJson = False) -> None:
    """Put a paused, stopped or failed job into the queue; it goes on where it was."""
    _order(context, job, "resume", as_json=as_json)


@app.command()
def rm(
    context: typer.Context,
    job: AJob,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a job and all of its results from the server for good; asks before."""
    from hpo_torch_server.client.jobs import read_job
    from hpo_torch_server.client.target import job_path

    with connected(the_target(context)) as connection:
        found = read_job(connection, job)
        say(f"{job}: {found.words}, {found.trials} trials of {found.dataset}")
        if not (yes or agreed("Remove this job and its results from the server?", "rm")):
            say("nothing was removed")
            raise typer.Exit(1)
        connection.delete(job_path(job))
    say(f"removed: {job}")


def _order(context: typer.Context, job: str, order: str, *, as_json: bool) -> None:
    """Tell the server what to do with a job, and print what it is then."""
    from hpo_torch_server.client.jobs import job_of
    from hpo_torch_server.client.target import job_path

    target = the_target(context)
    with connected(target) as connection:
        answer: Any = connection.post(job_path(job, order))
    found = job_of(answer, target.url)
    if as_json:
        print_json(answer)
    else:
        sys.stdout.write(f"{found.job_id} is {found.words}\n")
