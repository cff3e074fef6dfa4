"""A job's files: listed, one by one, all as a ZIP, pictures, the best model, and the report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from hpo_torch.plugin_runs import RunPaths, working_process
from hpo_torch_server.context import Server, TheServer
from hpo_torch_server.cursors import read_cursor, write_cursor
from hpo_torch_server.file_answer import BINARY, answer_file, disposition, media_type_of
from hpo_torch_server.identity import OwnJob, Reader
from hpo_torch_server.job_row import JobRow
from hpo_torch_server.problems import Problem, errors
from hpo_torch_server.routes.models_files import BestModel, FilePage, Plot, Plots, RunFile
from hpo_torch_server.run_zip import RunZip
from hpo_torch_server.served_files import (
    FileEntry,
    NoFileError,
    OpenFile,
    is_settled,
    open_file,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from hpo_torch_server.identity import Caller

router = APIRouter(tags=["files"], responses=errors(404))

MOST_ITEMS: Final = 10_000
_HIGHEST_TRIAL: Final = 10**9
_BYTES: Final[dict[str, Any]] = {}  # OpenAPI 3.1 has no schema for what is no JSON
_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": {"*/*": _BYTES}},
    206: {"description": "The part that `Range` asked for.", "content": {"*/*": _BYTES}},
    304: {"description": "It is as you have it."},
    **errors(416),
}
_ZIP: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The run.", "content": {"application/zip": _BYTES}},
}

FilePath = Annotated[
    str,
    Path(
        max_length=1000,
        description="Below the run's folder, with slashes.",
        examples=["trials/0007/result.json"],
    ),
]
OfTrial = Annotated[
    int | None,
    Query(ge=0, le=_HIGHEST_TRIAL, description="Of this trial instead of the run."),
]


@router.get("/jobs/{job_id}/files", summary="List files")
def job_files(
    job: OwnJob,
    server: TheServer,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 1000,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="`next` of the page before.")
    ] = None,
) -> FilePage:
    """List the files of the job's run by path, without locks and temporary files.

    Of a file that changes no more, `sha256` is known: of every file once no process works on the
    job, and before that of the settings and of the results of trials that have ended.
    """
    behind = "" if cursor is None else read_cursor(cursor, str)[0]
    every = list(walk(job.run))
    left = [entry for entry in every if entry.path > behind]
    more = len(left) > limit
    return FilePage(
        items=_described(server, job, left[:limit]),
        next=write_cursor(left[limit - 1].path) if more else None,
        total=len(every),
        total_size=sum(entry.size for entry in every),
    )


@router.get(
    "/jobs/{job_id}/files/{path:path}",
    summary="Get a file",
    response_class=Response,
    responses=_CONTENT,
)
def job_file(
    job: OwnJob, caller: Reader, server: TheServer, path: FilePath, request: Request
) -> Response:
    """Get a file of the job's run, whole or with `Range` a part of it.

    Files that are only added to, like events.jsonl, may be fetched again from where they ended:
    `Range: bytes=SIZE-`. `Repr-Digest` has the SHA-256 of a file that changes no more.
    """
    return _send(server, job, caller, path, request)


@router.get("/jobs/{job_id}/plots", summary="List pictures")
def job_plots(job: OwnJob, trial: OfTrial = None) -> Plots:
    """List the pictures that have been drawn of the run, or of one of its trials.

    They are drawn when a search ends, and by `hpo-torch plot`.
    """
    folder = _plots_of(job, trial)
    return Plots(
        plots=[
            Plot(
                name=PurePosixPath(entry.path).name,
                trial=trial,
                path=entry.path,
                media_type=media_type_of(entry.path),
                size=entry.size,
                modified=_utc(entry.modified),
            )
            for entry in walk(job.run, folder)
            if media_type_of(entry.path) != BINARY
        ]
    )


@router.get(
    "/jobs/{job_id}/plots/{name}",
    summary="Get a picture",
    response_class=Response,
    responses=_CONTENT,
)
def job_plot(
    job: OwnJob,
    caller: Reader,
    server: TheServer,
    name: Annotated[str, Path(max_length=200, examples=["optimization_history.png"])],
    request: Request,
    trial: OfTrial = None,
) -> Response:
    """Get a picture of the run, or of one of its trials; without an ending, its PNG or GIF."""
    folder = _plots_of(job, trial)
    tried = [name] if "." in name else [f"{name}.png", f"{name}.gif", f"{name}.svg"]
    there = {entry.path for entry in walk(job.run, folder)}
    found = next((folder + each for each in tried if folder + each in there), folder + tried[0])
    return _send(server, job, caller, found, request)


@router.get("/jobs/{job_id}/best-model", summary="Show the best model")
def job_best_model(job: OwnJob, server: TheServer) -> BestModel:
    """Show what there is of the best model: weights, labels, model card, test report."""
    paths = RunPaths(job.run)
    folder = f"{paths.best_model_dir.name}/"
    weights = folder + paths.best_checkpoint.name
    entries = list(walk(job.run, folder))
    if weights not in {entry.path for entry in entries}:
        raise _no_best_model(job)
    return BestModel(weights=weights, files=_described(server, job, entries))


@router.get(
    "/jobs/{job_id}/best-model/download",
    summary="Download the best model's weights",
    response_class=Response,
    responses=_CONTENT,
)
def job_best_model_download(job: OwnJob, server: TheServer, request: Request) -> Response:
    """Download the best model's weights: the very ones that scored, not a retrained model."""
    paths = RunPaths(job.run)
    path = paths.best_checkpoint.relative_to(job.run).as_posix()
    try:
        opened = open_file(job.run, path)
    except NoFileError:
        raise _no_best_model(job) from None
    digest = _digest(server, job, opened)
    return answer_file(opened, request.headers, digest, download=True)


@router.get(
    "/jobs/{job_id}/report",
    summary="Get the report",
    response_class=Response,
    responses=_CONTENT,
)
def job_report(job: OwnJob, caller: Reader, server: TheServer, request: Request) -> Response:
    """Get the run as one page to be read; it is written when the search ends."""
    return _send(server, job, caller, RunPaths(job.run).report.name, request)


@router.get(
    "/jobs/{job_id}/download",
    summary="Download all files",
    response_class=StreamingResponse,
    responses=_ZIP,
)
def job_download(job: OwnJob) -> StreamingResponse:
    """Download the whole run as a ZIP, which `hpo-torch import` takes.

    While the job goes on, it is the run as it was when the download began, and can be resumed.
    """
    if not RunPaths(job.run).config.exists():
        raise Problem(404, "", f"job '{job.id}' has no files yet", "no-file")
    return ZipAnswer(RunZip(job.run, job.run.name), f"{job.id}.zip")


class ZipAnswer(StreamingResponse):
    """Sends a ZIP while it is made, and closes its files, however that ends.

    Args:
        content: The run.
        name: Of the file that a browser saves.
    """

    def __init__(self, content: RunZip, name: str) -> None:
        headers = {
            "Content-Disposition": disposition(name),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        super().__init__(content.chunks(), headers=headers, media_type="application/zip")
        self._zip = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it until its end, or until the client has gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._zip.close()


def _send(server: Server, job: JobRow, caller: Caller, path: str, request: Request) -> Response:
    try:
        opened = open_file(job.run, path)
    except NoFileError as error:
        if error.outside:
            target = f"{job.id}: {path}"
            reason = "refused: outside of the run's folder"
            server.audit.write(caller, "open file", target, reason, caller.address)
        detail = f"job '{job.id}' has no file '{path[:200]}'; GET .../files lists those it has"
        raise Problem(404, "", detail, "no-file") from None
    return answer_file(opened, request.headers, _digest(server, job, opened))


def _digest(server: Server, job: JobRow, opened: OpenFile) -> str | None:
    works = working_process(job.run) is not None
    if not is_settled(job.run, opened.entry.path, works=works):
        return None
    return server.runs.digests.of_open(opened)


def _described(server: Server, job: JobRow, entries: Iterable[FileEntry]) -> list[RunFile]:
    works = working_process(job.run) is not None
    return [
        RunFile(
            path=entry.path,
            size=entry.size,
            modified=_utc(entry.modified),
            sha256=server.runs.digests.of_file(job.run, entry)
            if is_settled(job.run, entry.path, works=works)
            else None,
            media_type=media_type_of(entry.path),
        )
        for entry in entries
    ]


def _plots_of(job: JobRow, trial: int | None) -> str:
    paths = RunPaths(job.run)
    folder = paths.plots_dir if trial is None else paths.trial_dir(trial) / paths.plots_dir.name
    return folder.relative_to(job.run).as_posix() + "/"


def _no_best_model(job: JobRow) -> Problem:
    return Problem(404, "", f"no trial of job '{job.id}' has completed yet", "no-best-model")


def _utc(nanoseconds: int) -> str:
    moment = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
