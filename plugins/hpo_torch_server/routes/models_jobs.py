"""Jobs as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hpo_torch_server.routes.json_values import Json
from hpo_torch_server.states import JobState


class CurrentTraining(BaseModel):
    """A trial in training."""

    model_config = ConfigDict(frozen=True)

    trial_number: int
    purpose: str = Field(
        description="search; or confirmation: one of the best, again, on a fresh seed"
    )
    current_epoch: int = Field(description="epochs that have ended")
    total_epochs: int | None = Field(description="the most it may train; null before it trains")
    score: float | None = Field(description="so far, 0..1")
    started_at: datetime | None


class Progress(BaseModel):
    """How far a job is."""

    model_config = ConfigDict(frozen=True)

    total_trials: int
    finished_trials: int = Field(description="in whatever way")
    completed_trials: int
    pruned_trials: int
    failed_trials: int
    current_trials: list[CurrentTraining]
    best_trial: int | None
    best_score: float | None = Field(description="0..1, higher is better")
    elapsed_seconds: float = Field(description="of work; pauses are left out")
    message: str = Field(description="what goes on, for people")


class JobSummary(BaseModel):
    """A job in a list."""

    model_config = ConfigDict(frozen=True)

    job_id: str = Field(description="also the name of the run, and of its folder")
    status: JobState
    owner: str = Field(description='"" of a run that this server did not start')
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None = Field(description="when it was completed, stopped, or failed")
    dataset: str
    mode: str
    optimize_for: str
    trials: int = Field(description="wanted in all")
    best_score: float | None = Field(description="null before a trial has completed")
    position: int | None = Field(description="in the queue, from 1; null where it does not wait")
    error: str | None = Field(description="why it failed")
    controllable: bool = Field(
        description="false: a run of the command line, which can be read and watched only"
    )
    links: dict[str, str] = Field(description="paths of what there is of it")


class JobResponse(JobSummary):
    """A job with its settings and progress."""

    progress: Progress
    config: dict[str, Any] = Field(description="all settings of the run")


class JobList(BaseModel):
    """A page of jobs, newest first."""

    model_config = ConfigDict(frozen=True)

    items: list[JobSummary]
    next: str | None = Field(description="`cursor` of the page after; null after the last")
    total: int = Field(description="jobs of all pages")


class FailedStop(BaseModel):
    """A job that could not be stopped."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    detail: str


class StoppedJobs(BaseModel):
    """What POST /jobs/stop did."""

    model_config = ConfigDict(frozen=True)

    stopped_jobs: list[str]
    total_stopped: int
    failed_stops: list[FailedStop]


class EnqueueRequest(BaseModel):
    """Configurations that are to be trained next."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"configurations": [{"optimizer": "sgd", "filters": 32}]}]},
    )

    configurations: list[dict[str, Json]] = Field(
        min_length=1,
        max_length=1000,
        description="hyperparameters with their values; the sampler chooses those left out",
    )


class Enqueued(BaseModel):
    """What POST /jobs/{job_id}/enqueue did."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    accepted: int = Field(description="configurations that will be trained, in this order")
    message: str = Field(description="when, for people")
