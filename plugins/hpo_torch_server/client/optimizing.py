"""`hpo-torch remote URL optimize`: the local command's options, for a server's machine."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hpo_torch.plugin_api import UsageError
from hpo_torch.plugin_cli import optimize as local_optimize
from hpo_torch.plugin_cli import print_json, runs_folder, say
from hpo_torch_server.client.connecting import connected, the_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch_server.client.target import Target

_PANEL: Final = "On this machine"


def _option(text: str, name: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=_PANEL)


_OURS: Final[dict[str, Any]] = {
    "sync": Annotated[
        bool,
        _option("Watch the job, and fetch its files into --output-dir as they appear.", "--sync"),
    ],
    "interactive": Annotated[
        bool,
        _option("List the newest jobs first: one of them can be watched instead.", "--interactive"),
    ],
}


def _signature() -> inspect.Signature:
    """Return the local command's parameters, whatever they are, and ours."""
    local = inspect.signature(local_optimize, eval_str=True).parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = inspect.Parameter("context", kind, annotation=typer.Context)
    ours = [
        inspect.Parameter(name, kind, default=False, annotation=annotation)
        for name, annotation in _OURS.items()
    ]
    return inspect.Signature([first, *local, *ours])


def optimize(context: typer.Context, **given: Any) -> None:
    """Start a search on the server: it waits for its turn, and needs this program no longer.

    Options are those of `hpo-torch optimize` and mean the server's machine: its data, devices and
    paths. Files of --config and --enqueue are read here; HPO_TORCH_* variables are the server's.
    Prints the job's id.
    """
    from hpo_torch_server.client.search_request import search_request

    target = the_target(context)
    _check(given)
    request = search_request(given)
    if given["interactive"] and (other := _other_job(target)) is not None:
        _watch(target, other, as_json=given["as_json"])
        return
    answer = _start(target, request)
    if given["sync"]:
        from hpo_torch_server.client.syncing import sync

        folder = given["output_dir"]
        root = runs_folder(None if folder is None else Path(folder).expanduser())
        sync(target, answer["job_id"], root, as_json=given["as_json"], quiet=given["quiet"])
    else:
        _print_started(target, answer, given)


_parameters = _signature()
optimize.__signature__ = _parameters  # type: ignore[attr-defined]
optimize.__annotations__ = {
    name: parameter.annotation for name, parameter in _parameters.parameters.items()
}


def _check(given: Mapping[str, Any]) -> None:
    """Refuse what has no meaning for a job of a server."""
    if given["output_dir"] is not None and not given["sync"]:
        raise UsageError(
            "--output-dir: the server keeps its runs in a folder of its own. With --sync it is the "
            "folder on this machine that the results are fetched into."
        )
    for option in ("data_path", "data_dir"):
        path = given[option]
        if path is not None and not path.startswith(("/", "~", "\\")) and path[1:2] != ":":
            name = option.replace("_", "-")
            raise UsageError(
                f"--{name}: expected an absolute path on the server's machine, got '{path}'. "
                "Files of this machine are not sent."
            )


def _other_job(target: Target) -> str | None:
    from hpo_torch_server.client.watching import choose

    with connected(target) as connection:
        return choose(connection, "Number", other="start this search")


def _watch(target: Target, job: str, *, as_json: bool) -> None:
    from hpo_torch_server.client.watching import watch_to_its_end

    with connected(target) as connection:
        watch_to_its_end(connection, job, as_json=as_json)


def _start(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """Have the server make one job, however often the request is repeated."""
    import uuid

    from hpo_torch_server.client.jobs import job_of
    from hpo_torch_server.client.refusals import UnreachableError

    with connected(target) as connection:
        try:
            answer: dict[str, Any] = connection.post("/optimize", request, key=str(uuid.uuid4()))
        except UnreachableError as error:
            if error.untouched:
                raise
            raise UnreachableError(
                f"{error} The job may have been started all the same: {target.command('jobs')}"
            ) from error
    job_of(answer, target.url)
    return answer


def _print_started(target: Target, answer: dict[str, Any], given: Mapping[str, Any]) -> None:
    from hpo_torch_server.client.jobs import job_of

    if given["as_json"]:
        print_json(answer)
        return
    job = job_of(answer, target.url)
    sys.stdout.write(f"{job.job_id}\n")
    if not given["quiet"]:
        say(f"the job is {job.words}")
        say(f"  to watch it: {target.command('watch', job.job_id)}")
        say(f"  to fetch its results: {target.command('fetch', job.job_id, '--follow')}")
