"""What a worker process and its backend tell each other: JSON over one pipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from hpo_torch.protocol.events import BackendEvent
from hpo_torch.protocol.job import TrialJob  # noqa: TC001  # pydantic reads it at run time
from hpo_torch.protocol.measurements import Frozen


class RunJob(Frozen):
    """To the worker: train this."""

    kind: Literal["run_job"] = "run_job"
    job: TrialJob


class StopJob(Frozen):
    """To the worker: end the running attempt at its next step."""

    kind: Literal["stop_job"] = "stop_job"
    attempt: str


class Shutdown(Frozen):
    """To the worker: stop what runs, say nothing more, exit."""

    kind: Literal["shutdown"] = "shutdown"


class WorkerReady(Frozen):
    """From the worker: everything is imported; jobs may come."""

    kind: Literal["worker_ready"] = "worker_ready"


Command = RunJob | StopJob | Shutdown
Report = BackendEvent | WorkerReady

COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="kind")])
REPORTS: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="kind")])
