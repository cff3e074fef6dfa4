"""The settings of rented hardware: execution.remote of config.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from hpo_torch.config.bucket_url import bucket_url
from hpo_torch.config.section import Section


class RemoteSettings(Section):
    """Rented hardware: what is asked of it, and what it may cost."""

    endpoint: str | None = Field(None, description="id of the endpoint that runs the trials")
    endpoints: dict[str, str] = Field(
        default_factory=dict, description="id of an endpoint by GPU tier, where there are several"
    )
    gpu_tier: str = Field("auto", description="auto: the cheapest that has memory enough")
    max_cost: float | None = Field(
        None, gt=0.0, allow_inf_nan=False, description="USD that a run may cost at most"
    )
    queue_timeout: float = Field(300.0, gt=0.0, description="seconds for a worker to take a job")
    trials_per_job: int = Field(1, ge=1, description="trials that share a job and its cold start")
    bucket: Annotated[str, AfterValidator(bucket_url)] | None = Field(
        None, description="s3://bucket/prefix for what is too large to be sent with a job"
    )
