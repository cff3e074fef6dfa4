"""What a search would do, before it is started."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, cast

from fastapi import APIRouter, Request

from hpo_torch.plugin_api import HpoTorchError
from hpo_torch.plugin_runs import installed_registry
from hpo_torch_server.context import TheServer
from hpo_torch_server.estimates import estimate_cost, place_of
from hpo_torch_server.identity import Reader
from hpo_torch_server.problems import Problem, of_error
from hpo_torch_server.readiness import ReadinessReader
from hpo_torch_server.routes.models_searches import (
    CostEstimate,
    FirstTrial,
    Place,
    Refused,
    SearchRequest,
    Validation,
)
from hpo_torch_server.searches import check_search, read_search, run_finder

if TYPE_CHECKING:
    from hpo_torch.plugin_runs import Outlook
    from hpo_torch_server.context import Server
    from hpo_torch_server.identity import Caller

router = APIRouter(tags=["catalogue"])

_EARLIER_JOBS: Final = 1000
_OWN_DATA: Final = (
    "the data are your own: what is searched, and whether they can be read, is checked when the "
    "job begins"
)
_EARLIER_RUN: Final = "whether trials of the earlier run fit is checked when the job begins"


@router.post("/validate")
def validate(
    body: SearchRequest, request: Request, server: TheServer, caller: Reader
) -> Validation:
    """Say what a search would do, or why it could not run; nothing is started."""
    reader = cast("ReadinessReader", request.app.state.readiness)
    try:
        return _valid(body, server, caller, reader)
    except (HpoTorchError, Problem) as error:
        problem = error if isinstance(error, Problem) else of_error(error)
        refused = Refused(type=problem.type, detail=problem.detail)
        return Validation(
            valid=False,
            problems=[refused],
            warnings=[],
            config=None,
            origins={},
            family=None,
            first_trial=None,
            place=None,
            cost=None,
        )


def _valid(
    body: SearchRequest, server: Server, caller: Caller, reader: ReadinessReader
) -> Validation:
    with TemporaryDirectory() as folder:
        found = read_search(body, caller, Path(folder), run_finder(server, caller))
        outlook = check_search(found.config)
    execution = outlook.config.execution
    place = place_of(execution.backend, installed_registry().backends, reader.read())
    cost = None
    if place.remote:
        earlier = server.jobs.list(caller.sees, (), None, _EARLIER_JOBS).items
        cost = CostEstimate(**asdict(estimate_cost(outlook.config, earlier)))
    config = outlook.config.model_dump(mode="json")
    if body.enqueue:
        config["search"]["enqueue"] = None  # POST /optimize keeps them, and says where
    return Validation(
        valid=True,
        problems=[],
        warnings=_warnings(outlook),
        config=config,
        origins=dict(found.origins),
        family=outlook.family,
        first_trial=_first(outlook),
        place=Place(**asdict(place)),
        cost=cost,
    )


def _warnings(outlook: Outlook) -> list[str]:
    warnings = [_OWN_DATA] if outlook.first_trial is None else []
    if outlook.config.search.warm_start is not None:
        warnings.append(_EARLIER_RUN)
    return warnings


def _first(outlook: Outlook) -> FirstTrial | None:
    if outlook.first_trial is None:
        return None
    return FirstTrial(
        hyperparameters=outlook.first_trial,
        complete=outlook.complete,
        multiply_adds=outlook.multiply_adds,
    )
