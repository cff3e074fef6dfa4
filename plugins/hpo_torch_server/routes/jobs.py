"""Jobs: started, listed, stopped, paused, resumed, removed, and given configurations to train."""

from __future__ import annotations

import threading
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response

from hpo_torch_server.acts import audited
from hpo_torch_server.context import Server, TheServer
from hpo_torch_server.identity import Caller, OwnJob, Reader, Runner
from hpo_torch_server.job_row import JobRow
from hpo_torch_server.problems import Problem, errors
from hpo_torch_server.queues import enqueue_configurations
from hpo_torch_server.routes.job_views import job_path, response_of, summary_of
from hpo_torch_server.routes.models_jobs import (
    Enqueued,
    EnqueueRequest,
    FailedStop,
    JobList,
    JobResponse,
    StoppedJobs,
)
from hpo_torch_server.routes.models_searches import SearchRequest
from hpo_torch_server.searches import (
    check_search,
    queue_folder,
    read_search,
    request_hash,
    run_finder,
)
from hpo_torch_server.states import ACTIVE, ENDED, JobState
from hpo_torch_server.usage import check_quotas

router = APIRouter(tags=["jobs"])

# Quotas are looked at, and the job made, by one request at a time.
_one_at_a_time: Final = threading.Lock()

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your own, new for each search: a repeated request, which may have "
        "got lost, then starts no second one but answers with the job of the first.",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]


@router.post("/optimize", status_code=202, responses=errors(409))
def optimize(
    request: SearchRequest,
    response: Response,
    server: TheServer,
    caller: Runner,
    idempotency_key: IdempotencyKey = None,
) -> JobResponse:
    """Start a search: it waits for its turn, and then runs in a process of its own."""
    repetition = None if idempotency_key is None else (idempotency_key, request_hash(request))
    with audited(server, caller, "create job", request.name or "") as act:
        row = None
        if repetition is not None:
            row = server.jobs.repeated(caller.owner, repetition)
        if row is None:
            row = _create(server, caller, request, repetition)
        act.target = row.id
    server.supervisor.wake()
    response.headers["Location"] = job_path(row.id)
    return response_of(row, server.runs)


def _create(
    server: Server, caller: Caller, request: SearchRequest, repetition: tuple[str, str] | None
) -> JobRow:
    found = read_search(request, caller, queue_folder(server), run_finder(server, caller))
    config = check_search(found.config).config
    with _one_at_a_time:
        check_quotas(server.jobs, server.settings.quotas, caller.owner, config.search.trials)
        settings = config.model_dump(mode="json")
        return server.jobs.create(caller.owner, settings, request.name, repetition)


@router.get("/jobs")
def jobs(
    server: TheServer,
    caller: Reader,
    state: Annotated[
        list[JobState] | None, Query(description="only jobs in one of these states; repeatable")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="jobs of a page")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="`next` of the page before")
    ] = None,
) -> JobList:
    """List jobs, newest first: your own, or everybody's with scope admin."""
    page = server.jobs.list(caller.sees, state or (), cursor, limit)
    return JobList(items=[summary_of(row) for row in page.items], next=page.next, total=page.total)


@router.post("/jobs/stop")
def stop_jobs(server: TheServer, caller: Runner) -> StoppedJobs:
    """Stop all of your jobs that wait or work; they can be resumed."""
    stopped, failed = [], []
    for row in server.jobs.where(ACTIVE | {JobState.QUEUED}, caller.owner):
        try:
            with audited(server, caller, "stop job", row.id):
                server.supervisor.stop_job(row.id)
        except Problem as problem:
            failed.append(FailedStop(job_id=row.id, detail=problem.detail))
        else:
            stopped.append(row.id)
    return StoppedJobs(stopped_jobs=stopped, total_stopped=len(stopped), failed_stops=failed)


@router.get("/jobs/{job_id}", responses=errors(404))
def job(server: TheServer, row: OwnJob) -> JobResponse:
    """Show a job with its settings and progress."""
    return response_of(row, server.runs)


@router.post("/jobs/{job_id}/stop", status_code=202, responses=errors(404, 409))
def stop_job(server: TheServer, caller: Runner, row: OwnJob) -> JobResponse:
    """Stop a job: its trials in training end with their epoch, and can be resumed."""
    with audited(server, caller, "stop job", row.id):
        return response_of(server.supervisor.stop_job(row.id), server.runs)


@router.post("/jobs/{job_id}/pause", status_code=202, responses=errors(404, 409))
def pause_job(server: TheServer, caller: Runner, row: OwnJob) -> JobResponse:
    """Have a job give up its place to another one, until it is resumed."""
    with audited(server, caller, "pause job", row.id):
        return response_of(server.supervisor.pause_job(row.id), server.runs)


@router.post("/jobs/{job_id}/resume", status_code=202, responses=errors(404, 409))
def resume_job(server: TheServer, caller: Runner, row: OwnJob) -> JobResponse:
    """Put a paused, stopped or failed job at the end of the queue; it goes on where it was."""
    with audited(server, caller, "resume job", row.id), _one_at_a_time:
        if row.state in ENDED:
            trials = row.config["search"]["trials"]
            check_quotas(server.jobs, server.settings.quotas, row.owner, trials)
        return response_of(server.supervisor.resume_job(row.id), server.runs)


@router.delete("/jobs/{job_id}", status_code=204, responses=errors(404, 409))
def remove_job(server: TheServer, caller: Runner, row: OwnJob) -> None:
    """Remove a job that nobody works on, with all of its results, for good."""
    with audited(server, caller, "remove job", row.id):
        server.supervisor.remove_job(row.id)
        server.runs.forget(row.id)


@router.post("/jobs/{job_id}/enqueue", status_code=202, responses=errors(404, 409))
def enqueue(server: TheServer, caller: Runner, row: OwnJob, request: EnqueueRequest) -> Enqueued:
    """Give a job configurations that it trains next, before what its sampler chooses."""
    with audited(server, caller, "enqueue", row.id):
        message = enqueue_configurations(server, row, request.configurations)
    return Enqueued(job_id=row.id, accepted=len(request.configurations), message=message)
