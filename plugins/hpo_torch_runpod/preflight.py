"""Whether RunPod can take trials: looked at before the first job, and by `--backend auto`."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hpo_torch import __version__
from hpo_torch.plugin_api import Readiness, UnknownNameError, UsageError
from hpo_torch_runpod import keys
from hpo_torch_runpod.endpoint_facts import EndpointFacts, read_facts
from hpo_torch_runpod.prices import current_prices
from hpo_torch_runpod.rest_api import FORBIDDEN, NOT_FOUND, ApiError, RestApi
from hpo_torch_runpod.tiers import check_tiers, choose_tier, known_endpoints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.config.remote_schema import RemoteSettings
    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch_runpod.prices import Prices

READINESS_SECONDS = 3.0
"""The longest that `--backend auto` waits for RunPod."""

_NO_WORKERS = (
    "the endpoint {} may have no workers: its maximum is 0. RunPod sets that after seven days "
    "without a job; raise it with 'hpo-torch runpod deploy' or in the console"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What was found before the first job.

    Attributes:
        settings: The settings with every endpoint under its tier, for `tiers.choose_tier`.
        endpoints: Facts by endpoint id.
        prices: Memory and price of every tier, now.
        warnings: What may go wrong or could not be checked, one line each.
    """

    settings: RemoteSettings
    endpoints: dict[str, EndpointFacts]
    prices: Prices
    warnings: tuple[str, ...] = ()


def check(settings: RemoteSettings, api: RestApi | None = None) -> Preflight:
    """Look at everything that can be wrong before anything is paid for.

    What only a worker can say, such as whether it can have the data set, the first job finds out:
    see `proving`.

    Args:
        settings: Of the run; RUNPOD_ENDPOINT_ID counts where they name no endpoint.
        api: How to ask; with the key of RUNPOD_API_KEY by default.

    Raises:
        UsageError: There is no key, RunPod does not take it, no endpoint is named or none of the
            tier asked for, it does not exist, it may have no workers, or its image is of another
            version of hpo-torch.
        UnknownNameError: No such GPU tier, no such endpoint.
        ApiError: RunPod does not answer.
    """
    api = api or RestApi(keys.api_key())
    named = settings.model_copy(update={"endpoint": keys.endpoint_id(settings)})
    known = known_endpoints(named)
    warnings = [line for endpoint in known.values() for line in _check_health(endpoint, api)]
    prices = current_prices(api)
    if prices.problem:
        warnings.append(f"prices are those of the {prices.source}: {prices.problem}")
    check_tiers(known, prices)
    facts: dict[str, EndpointFacts] = {}
    for tier, endpoint in known.items():
        facts[endpoint], doubts = _look_at(endpoint, tier, api, prices)
        warnings += doubts
    endpoints = {fact.tier: endpoint for endpoint, fact in facts.items() if fact.tier}
    complete = named.model_copy(update={"endpoints": endpoints})
    choose_tier(None, complete, prices)  # raises what the first trial would raise
    return Preflight(
        settings=complete,
        endpoints=facts,
        prices=prices,
        warnings=tuple(warnings),
    )


def readiness(settings: ExecutionSettings) -> Readiness:
    """Whether `--backend auto` may choose RunPod; asks the network only if it is set up."""
    if not keys.has_api_key():
        return Readiness(False, f"RunPod is not set up: {keys.API_KEY} is not set")
    one = keys.endpoint_id(settings.remote)
    endpoints = list(settings.remote.endpoints.values()) if one is None else [one]
    if not endpoints:
        return Readiness(False, "RunPod is not set up: no endpoint is named")
    if settings.device != "auto":
        return Readiness(False, f"RunPod: a device of this machine is wanted, {settings.device}")
    if not all(map(importlib.util.find_spec, ("runpod", "tenacity"))):
        return Readiness(False, "RunPod: its package is missing; pip install 'hpo-torch[runpod]'")
    try:
        keys.api_key()
    except UsageError as error:  # something else than a key
        return Readiness(False, str(error))
    return _first_ready(dict.fromkeys(endpoints))


def _first_ready(endpoints: Iterable[str]) -> Readiness:
    deadline = time.monotonic() + READINESS_SECONDS
    found = Readiness(False, "RunPod did not answer in time")
    for endpoint in endpoints:
        if time.monotonic() >= deadline:
            break
        found = _can_work(endpoint, deadline)
        if found.ready:
            break
    return found


def _can_work(endpoint: str, deadline: float) -> Readiness:
    try:
        workers = _workers(_quick_api(deadline).health(endpoint))
    except ApiError as error:
        return Readiness(False, str(error))
    usable = sum(workers.get(state, 0) for state in ("idle", "ready", "running", "initializing"))
    if usable:
        return Readiness(True, f"RunPod endpoint {endpoint}, {usable} of its workers are there")
    if any(workers.values()):
        states = ", ".join(f"{count} {state}" for state, count in workers.items() if count)
        return Readiness(False, f"no worker of the RunPod endpoint {endpoint} works: {states}")
    return _may_start(endpoint, deadline)


def _may_start(endpoint: str, deadline: float) -> Readiness:
    """Tell an endpoint that has scaled to zero from one that may have no workers."""
    try:
        workers_max = (_quick_api(deadline).endpoint(endpoint).get("workers") or {}).get("max")
    except ApiError:  # a key for jobs alone: whether a worker comes is seen then
        workers_max = None
    if workers_max == 0:
        return Readiness(False, _NO_WORKERS.format(endpoint))
    return Readiness(True, f"RunPod endpoint {endpoint}, which starts workers when needed")


def _quick_api(deadline: float) -> RestApi:
    # Half of the time that is left to connect, half to answer.
    left = max(0.1, deadline - time.monotonic())
    return RestApi(keys.api_key(), timeout=left / 2, tries=1)


def _check_health(endpoint: str, api: RestApi) -> list[str]:
    """Check key and endpoint; return what may go wrong."""
    try:
        workers = _workers(api.health(endpoint))
    except ApiError as error:
        raise _why_refused(error, endpoint, api) from error
    usable = sum(count for state, count in workers.items() if state not in _TROUBLED)
    return [
        f"the endpoint {endpoint} has {workers[state]} {state} workers and no other: {what}"
        for state, what in _TROUBLED.items()
        if workers.get(state) and not usable
    ]


_TROUBLED = {
    "throttled": "no GPU of its tier is free; trials wait until --queue-timeout",
    "unhealthy": "their image fails; see their logs in the console",
}


def _why_refused(error: ApiError, endpoint: str, api: RestApi) -> Exception:
    if error.unauthorized:
        return UsageError(
            f"RunPod does not take the API key in {keys.API_KEY}. Make another at "
            "https://console.runpod.io/user/settings."
        )
    if error.status == FORBIDDEN:
        return UsageError(f"RunPod: the API key in {keys.API_KEY} may not use {endpoint}.")
    if error.status != NOT_FOUND:
        return error
    try:
        return UnknownNameError(
            "RunPod endpoint", endpoint, [record["id"] for record in api.endpoints()]
        )
    except (ApiError, KeyError):  # a key for jobs alone
        return UsageError(
            f"RunPod: there is no endpoint '{endpoint}'. 'hpo-torch runpod status' lists yours."
        )


def _look_at(
    endpoint: str, tier: str, api: RestApi, prices: Prices
) -> tuple[EndpointFacts, list[str]]:
    """Check workers and version; return the facts, under the user's tier where RunPod says none.

    A tier that is not the endpoint's would have its costs counted at another one's price.
    """
    try:
        facts = read_facts({**api.endpoint(endpoint), "id": endpoint}, prices)
    except ApiError as error:
        doubt = f"workers, GPU and version of the endpoint {endpoint} are not checked: {error}"
        return EndpointFacts(endpoint=endpoint, tier=tier), [doubt]
    if facts.workers_max == 0:
        raise UsageError(f"RunPod: {_NO_WORKERS.format(endpoint)}.")
    if facts.version not in {"", __version__}:
        raise UsageError(
            f"RunPod: the endpoint {endpoint} has hpo-torch {facts.version}, here is {__version__}."
            " Deploy an image of this version: 'hpo-torch runpod deploy'."
        )
    return replace(facts, tier=facts.tier or tier), _doubts(facts, tier)


def _doubts(facts: EndpointFacts, tier: str) -> list[str]:
    doubts = []
    if not facts.version:
        doubts.append(
            f"which version of hpo-torch the endpoint {facts.endpoint} has is not known: neither "
            f"its environment nor the tag of its image, {facts.image or 'unknown'}, says"
        )
    if not (facts.tier or tier):
        doubts.append(
            f"the GPU tier of the endpoint {facts.endpoint} is not known: costs are counted at the "
            "dearest tier's price. --gpu-tier says which it is"
        )
    if facts.tier and tier and facts.tier != tier:
        doubts.append(
            f"the endpoint {facts.endpoint} has cards of {facts.tier}, not of {tier}: it counts as "
            f"one of {facts.tier}"
        )
    if facts.workers_min:
        doubts.append(
            f"the endpoint {facts.endpoint} keeps {facts.workers_min} workers running, which cost "
            "money without jobs too"
        )
    return doubts


def _workers(health: dict[str, Any]) -> dict[str, int]:
    workers = health.get("workers")
    return {state: int(count) for state, count in workers.items()} if workers else {}
