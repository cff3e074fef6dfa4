"""What POST /optimize and POST /validate are sent, and what the latter answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from hpo_torch.plugin_runs import Mode
from hpo_torch_server.identity import JOB_ID
from hpo_torch_server.routes.json_values import NUMBER, Json

_EXAMPLE: dict[str, Any] = {
    "dataset": "digits",
    "mode": "health",
    "optimize_for": "val_accuracy",
    "trials": 10,
    "options": {"max_epochs": 10, "fix": {"optimizer": "adamw"}},
}


class SearchRequest(BaseModel):
    """A search, as the command line's `optimize` takes it.

    Settings are taken from defaults, `preset`, the server's HPO_TORCH_* environment, `settings`,
    `options` and the fields named here, each over the one before.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]}
    )

    dataset: str | None = Field(
        None, max_length=200, description="name of a data set: GET /datasets; digits by default"
    )
    dataset_name: str | None = Field(
        None,
        max_length=200,
        description="the same, by its former name",
        json_schema_extra={"deprecated": True},
    )
    mode: Mode | None = Field(None, description="GET /modes; health by default")
    optimize_for: str | None = Field(
        None, max_length=200, description="objective: GET /objectives; val_accuracy by default"
    )
    trials: Annotated[int, Field(ge=1, le=10**9), NUMBER] | None = Field(
        None, description="trials in all; 10 by default"
    )
    health_weight: Annotated[float, Field(ge=0.0, le=1.0), NUMBER] | None = Field(
        None, description="health's share of the score in mode health; default 0.3"
    )
    preset: str | None = Field(None, max_length=200, description="GET /presets")
    options: dict[str, Json] = Field(
        default_factory=dict,
        description="the command line's other options, by their names in Python: max_epochs, fix, "
        "sampler, jobs ...; fix and health_weights are mappings",
    )
    settings: dict[str, Json] = Field(
        default_factory=dict,
        description="any other settings, nested or by dotted name, as `hpo-torch config show` "
        "lists them",
    )
    name: str | None = Field(
        None,
        min_length=1,
        max_length=60,
        pattern=JOB_ID,
        description="name of the run, and the job's id; by default its time, data set and mode",
    )
    enqueue: list[dict[str, Json]] = Field(
        default_factory=list,
        max_length=10_000,
        description="configurations that are trained first: hyperparameters with their values; "
        "the sampler chooses those that are left out",
    )


class Refused(BaseModel):
    """Why a search could not run so."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="kind of the problem, as in the answer POST /optimize would give")
    detail: str = Field(description="what was expected, what was given, and what to do")


class FirstTrial(BaseModel):
    """What would be trained first."""

    model_config = ConfigDict(frozen=True)

    hyperparameters: dict[str, Any]
    complete: bool = Field(description="false: the sampler chooses what is not listed")
    multiply_adds: int | None = Field(
        description="of a forward pass of one example; null where the configuration is incomplete"
    )


class Place(BaseModel):
    """Where trials would run."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="execution backend: GET /health lists them")
    reason: str = Field(description="why this one, and others not")
    remote: bool = Field(description="on rented hardware, which costs money")


class CostEstimate(BaseModel):
    """What a search on rented hardware may cost, from what earlier ones did."""

    model_config = ConfigDict(frozen=True)

    lower_usd: float | None = Field(description="null without an earlier run to go by")
    upper_usd: float | None = Field(description="`max_cost`, where that is less")
    max_cost_usd: float | None = Field(description="where the run ends at the latest")
    basis: str = Field(description="what the estimate goes by")


class Validation(BaseModel):
    """What a search would do."""

    model_config = ConfigDict(frozen=True)

    valid: bool
    problems: list[Refused] = Field(description="what POST /optimize would refuse; [] if valid")
    warnings: list[str] = Field(description="what is checked only when the job begins, and why")
    config: dict[str, Any] | None = Field(description="all settings, resolved")
    origins: dict[str, str] = Field(
        description="where settings that are not defaults come from, by dotted name"
    )
    family: str | None = Field(description="model family")
    first_trial: FirstTrial | None = Field(description="null where own data decide it")
    place: Place | None
    cost: CostEstimate | None = Field(description="null on own hardware, which costs nothing")
