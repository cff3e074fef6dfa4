"""What a job of the endpoint is to do: said by the client, read by the worker."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, ValidationError

import hpo_torch
from hpo_torch.protocol.job import TrialJob  # noqa: TC001  # pydantic reads it at run time
from hpo_torch.protocol.measurements import Frozen
from hpo_torch_runpod.wire import PROTOCOL, REFUSED, WireError


class JobInput(Frozen):
    """What a job of the endpoint is to do; the `input` of POST /run.

    Attributes:
        protocol: `PROTOCOL` of the client.
        version: hpo-torch of the client; training differs between versions, so they must be equal.
        submission: Unique per submission, the same when it is posted again because no answer came.
        trials: To train, one after another. Their `output_dir` is None and their device "auto":
            the worker uses its own folders and card.
        data: The user's own data, or where to get them, for data sets that no registry knows.
        weights_of: Attempts whose weights are wanted; None means all.
        bucket: "s3://bucket/prefix", for weights that are too large to come inline.
        train_target: Training function, "package.module:attribute"; None means hpo-torch's own.
    """

    protocol: int = PROTOCOL
    version: str = hpo_torch.__version__
    submission: str
    trials: tuple[TrialJob, ...] = Field(min_length=1)
    data: dict[str, Any] | None = None
    weights_of: tuple[str, ...] | None = None
    bucket: str | None = None
    train_target: str | None = None


def parse_input(raw: object) -> JobInput:
    """Read a job's input, on the worker.

    Raises:
        WireError: It is none of this protocol and version; the message begins with `REFUSED` and
            says what to do.
    """
    if not isinstance(raw, dict):
        raise WireError(f"{REFUSED}expected an object as input, got {type(raw).__name__}")
    for what, ours in (("protocol", PROTOCOL), ("version", hpo_torch.__version__)):
        if raw.get(what) != ours:
            raise WireError(
                f"{REFUSED}its {what} is {raw.get(what)!r}, this worker's is {ours!r}. Use an "
                "image of the client's version of hpo-torch ('hpo-torch runpod deploy')."
            )
    try:
        return JobInput.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        wrong = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in error.errors())
        raise WireError(f"{REFUSED}{wrong}") from error


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))
