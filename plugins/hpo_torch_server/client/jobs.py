"""A server's jobs, as this client reads them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from hpo_torch_server.client.refusals import not_ours
from hpo_torch_server.client.target import job_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch_server.client.connection import Connection

ENDED: Final = frozenset({"completed", "stopped", "failed"})
PAGE: Final = 1000


class Job(BaseModel):
    """What is used here of a job; servers may say more.

    Attributes:
        job_id: Also the name of its run.
        status: A state, or a new word of a newer server.
        position: Its place in the queue, from 1; None where it does not wait.
        error: Why it failed.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    status: str
    owner: str
    dataset: str
    mode: str
    trials: int
    best_score: float | None = None
    position: int | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing but its owner's word starts it again."""
        return self.status in ENDED

    @property
    def words(self) -> str:
        """Its status, for people."""
        place = "" if self.position is None else f", place {self.position}"
        return f"{self.status}{place}"

    @property
    def score_text(self) -> str:
        """Its best score, for people."""
        return "" if self.best_score is None else f"{self.best_score:.4f}"


def table(jobs: Sequence[Job]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return columns and rows of a table that keeps ids whole on 80 columns.

    Owners are a question only where there are several.
    """
    columns: tuple[str, ...] = ("job", "status", "trials", "best")
    rows: list[tuple[object, ...]] = [
        (job.job_id, job.words, job.trials, job.score_text) for job in jobs
    ]
    if len({job.owner for job in jobs}) > 1:
        columns += ("owner",)
        rows = [(*row, job.owner or "-") for row, job in zip(rows, jobs, strict=True)]
    return columns, rows


def read_job(connection: Connection, job: str) -> Job:
    """Return a job as it is now; raises HpoTorchError."""
    return job_of(connection.get(job_path(job)), connection.target.url)


def job_of(answer: Any, url: str) -> Job:
    """Read a job's answer.

    Raises:
        ServerError: It is none.
    """
    try:
        return Job.model_validate(answer)
    except ValidationError as error:
        raise not_ours(url, f"the answer is no job ({error.errors()[0]['msg']})") from None


def list_jobs(
    connection: Connection, states: Sequence[str] = (), limit: int | None = None
) -> list[dict[str, Any]]:
    """Return the caller's jobs as the server tells them, newest first; raises HpoTorchError."""
    params = {"limit": min(limit or PAGE, PAGE), "state": list(states)}
    return list(islice(connection.pages("/jobs", params), limit))
