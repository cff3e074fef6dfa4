"""A job's trials: pages of them, one of them, those in training, the best, and all at once."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from hpo_torch.plugin_runs import RunPaths, TrialResult, read_record
from hpo_torch_server.conditional import accepts_gzip, matches
from hpo_torch_server.context import TheServer
from hpo_torch_server.identity import OwnJob
from hpo_torch_server.problems import Problem, errors
from hpo_torch_server.routes.models_trials import (
    BestTrial,
    ColumnarTrials,
    CurrentTrials,
    Trial,
    TrialDetail,
    TrialPage,
    TrialState,
)
from hpo_torch_server.routes.trial_answers import (
    best_trial_of,
    current_trial_of,
    detail_of_ended,
    detail_of_open,
)
from hpo_torch_server.trial_pages import Order, Sort, Wanted
from hpo_torch_server.trial_table import nested
from hpo_torch_server.trial_trends import Trends

router = APIRouter(tags=["trials"], responses=errors(404))

MOST_ITEMS: Final = 1000
_HIGHEST_TRIAL: Final = 10**9

TrialNumber = Annotated[
    int, Path(ge=0, le=_HIGHEST_TRIAL, description="A trial's number, from 0.", examples=[7])
]
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "It is as you have it."},
}


@router.get("/jobs/{job_id}/trials", summary="List trials")
def job_trials(  # noqa: PLR0913, PLR0917 - a query has many parameters
    job: OwnJob,
    server: TheServer,
    state: Annotated[
        list[TrialState] | None, Query(description="Only those in one of these states.")
    ] = None,
    min_score: Annotated[
        float | None, Query(allow_inf_nan=False, description="Only those with such a score.")
    ] = None,
    sort: Annotated[Sort, Query(description="Trials without the value come last.")] = "number",
    order: Order = "asc",
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 100,
    cursor: Annotated[
        str | None, Query(max_length=500, description="`next` of the page before.")
    ] = None,
) -> TrialPage:
    """List the job's trials, those that have not ended included.

    A page goes on behind the last trial of the page before it: what has ended in between shifts
    nothing. A trial whose value changed in between may appear twice or not at all.
    """
    wanted = Wanted(frozenset(state or ()), min_score, sort, order)
    page = server.runs.get(job.id).page(wanted, limit, cursor)
    items = [Trial.model_validate(row) for row in page.rows]
    return TrialPage(items=items, next=page.next, total=page.total)


@router.get("/jobs/{job_id}/trials/{number}", summary="Show a trial")
def job_trial(job: OwnJob, server: TheServer, number: TrialNumber) -> TrialDetail:
    """Show one trial with its epochs and what is known of its health."""
    index = server.runs.get(job.id)
    row = index.row_of(number)
    if row is None:
        detail = f"job '{job.id}' has no trial {number}; GET .../trials lists those it has"
        raise Problem(404, "", detail, "no-trial")
    trial = Trial.model_validate(nested(row))
    still_open = index.open_trial(number)
    if still_open is not None:
        return detail_of_open(trial, still_open)
    path = RunPaths(index.path).trial_dir(number) / "result.json"
    return detail_of_ended(trial, read_record(path, TrialResult))


@router.get("/jobs/{job_id}/current-trial", summary="Show the trials in training")
def job_current_trial(job: OwnJob, server: TheServer) -> CurrentTrials:
    """Show the trials in training now: epoch, curve and health so far.

    There may be several at once; there is none where no process works on the job.
    """
    training = server.runs.get(job.id).training()
    return CurrentTrials(trials=[current_trial_of(each) for each in training])


@router.get("/jobs/{job_id}/best-trial", summary="Show the best trial")
def job_best_trial(job: OwnJob, server: TheServer) -> BestTrial:
    """Show the trial that leads, or has won, by the rule of the job's mode.

    Its confirmation on fresh seeds and its score on the official test set are there once they have
    been made: the test set is scored once, when the search has ended.
    """
    best = best_trial_of(server.runs.get(job.id))
    if best is None:
        raise Problem(404, "", f"no trial of job '{job.id}' has completed yet", "no-best-trial")
    return best


@router.get("/jobs/{job_id}/trends", summary="Show trends")
def job_trends(
    job: OwnJob,
    server: TheServer,
    ranges: Annotated[
        int, Query(ge=2, le=20, description="Groups of a hyperparameter with many numbers.")
    ] = 4,
    window: Annotated[int, Query(ge=1, le=1000, description="Trials of a running median.")] = 25,
) -> Trends:
    """Show how hyperparameters and health went over the completed trials.

    Of each hyperparameter: the trials by its value, or by ranges that hold about as many trials
    each, with their number and the mean and range of their scores. Trials were not chosen at
    random, so that a difference between groups is no proof of a cause. Of the score and of each
    health metric: values by trial number, and the running median.
    """
    return server.runs.get(job.id).trends(ranges, window)


@router.get(
    "/jobs/{job_id}/columns",
    summary="Get all trials at once",
    response_model=ColumnarTrials,
    responses=_NOT_MODIFIED,
)
def job_columns(
    job: OwnJob,
    server: TheServer,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
    accept_encoding: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Get every trial that has ended, column by column, compressed: made for thousands of trials.

    Columns are those of trials.csv and a few more; what was not measured is null. Scores and
    accuracies have six significant digits, other fractions four; whole numbers are exact. `seq` is
    the number of the event that ended the last of these trials: whoever watches `events?after=SEQ`
    misses none. With `If-None-Match` and the ETag of before, the answer is 304 while nothing has
    changed.
    """
    columns = server.runs.get(job.id).columns()
    packed = accepts_gzip(accept_encoding)
    headers = {
        # Other bytes have another tag: it is a strong one.
        "ETag": f'"{columns.digest}{"-gzip" if packed else ""}"',
        "Vary": "Accept-Encoding",
        "Cache-Control": "private, no-cache",
    }
    if matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    body = columns.compressed if packed else columns.plain
    return Response(body, headers=headers, media_type="application/json")
