"""Endpoints that hpo-torch makes on RunPod: what is wanted, what has to be done, and doing it.

One endpoint per GPU tier, known by its name: what is there already is changed, not made again, to
exactly what is asked for. Settings that no option is for stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hpo_torch import __version__
from hpo_torch.plugin_api import InvalidValueError, UsageError
from hpo_torch_runpod.endpoint_facts import VERSION_VARIABLE, our_name, version_of
from hpo_torch_runpod.keys import BUCKET_ID, BUCKET_KEY, BUCKET_URL, bucket_keys
from hpo_torch_runpod.rest_api import ApiError
from hpo_torch_runpod.tiers import check_tiers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hpo_torch_runpod.prices import Prices
    from hpo_torch_runpod.rest_api import Record, RestApi

DISK_GB = 50
"""Of a worker's container, RunPod's default: data sets are there, without a network volume."""

QUEUE_DELAY = 4
"""Seconds that a job waits before another worker starts; RunPod's default."""

EXECUTION_TIMEOUT_MS = 3_600_000
"""Where a job says no other; every job of hpo-torch does."""

PREFIX = "hpo-torch-"
"""Of the names of endpoints and pods that are hpo-torch's."""

# What may be asked for once, and not the next time, in words.
_OPTIONS = {"networkVolumes": "volume", "registry": "registry", "env": "variable"}
# What a PATCH does not name it leaves alone; these values clear (openapi.json).
_NOTHING: dict[str, Any] = {"networkVolumes": [], "registry": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What every endpoint shall be like.

    Attributes:
        image: The worker's image, with a tag.
        workers_max: Workers at once, at least 1.
        idle_timeout: Seconds, 1..3600, that a worker waits for another job, billed.
        volume: Id of a network volume, mounted at /runpod-volume; None for none.
        registry: Id of the account's credentials for a private registry; None for none.
        environment: More of the worker's environment; may hold secrets.
    """

    image: str
    workers_max: int = 3
    idle_timeout: int = 5
    volume: str | None = None
    registry: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What has to be done for one tier.

    Attributes:
        tier: The tier.
        name: The endpoint's name.
        endpoint: Its id; "" where it has to be made.
        content: What is sent to RunPod; {} where all is as wanted. May hold secrets.
        removes: What the endpoint has and is not to have, in words; without any values.
    """

    tier: str
    name: str
    endpoint: str
    content: dict[str, Any] = field(repr=False)
    removes: tuple[str, ...] = ()

    @property
    def action(self) -> Literal["make", "change", "keep"]:
        """What is done, in a word."""
        if not self.endpoint:
            return "make"
        return "change" if self.content else "keep"


def endpoint_name(tier: str) -> str:
    """Return the name of this version's endpoint of a tier."""
    return f"{PREFIX}{__version__}-{tier}"


def check_image(image: str) -> None:
    """Check that an image's tag can be the one of this version.

    Raises:
        InvalidValueError: It has no tag, or the tag names another version.
    """
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if not tag or tag == "latest":
        raise InvalidValueError(
            "--image",
            "a tag that names one image",
            image,
            f"RunPod keeps what it has once pulled; use NAME:{__version__}.",
        )
    if version_of(image) not in {"", __version__}:
        raise InvalidValueError(
            "--image", f"an image of this version, {__version__}", image, "Build it anew."
        )


def plan(
    tiers: Sequence[str], wanted: Wanted, prices: Prices, there: Sequence[Record]
) -> list[Step]:
    """Return what has to be done for each tier.

    Args:
        tiers: RunPod's names of GPU pools.
        wanted: What the endpoints shall be like.
        prices: Of all tiers.
        there: The account's endpoints.

    Raises:
        InvalidValueError: The image has no tag, or one of another version.
        UnknownNameError: No such tier.
    """
    check_image(wanted.image)
    check_tiers(tiers, prices)
    by_name = {our_name(each.get("name") or ""): each for each in reversed(there)}
    steps = []
    for tier in dict.fromkeys(tiers):
        name = endpoint_name(tier)
        found = by_name.get(our_name(name))
        content = _content(name, tier, wanted)
        if found is None:
            steps.append(Step(tier=tier, name=name, endpoint="", content=content))
        else:
            steps.append(_change(tier, name, found, _NOTHING | content))
    return steps


def carry_out(step: Step, api: RestApi) -> str:
    """Do what a step says; return the endpoint's id.

    Raises:
        ApiError: RunPod refuses it, or does not answer.
    """
    if step.action == "keep":
        return step.endpoint
    if step.action == "change":
        api.update_endpoint(step.endpoint, step.content)
        return step.endpoint
    try:
        return str(api.create_endpoint(step.content)["id"])
    except ApiError as error:
        # The request may have been heard and its answer lost; a second endpoint would cost twice.
        made = _find(step.name, api) if error.passing else None
        if made is None:
            raise
        return made


def _find(name: str, api: RestApi) -> str | None:
    named = our_name(name)
    found = (each["id"] for each in api.endpoints() if our_name(each.get("name") or "") == named)
    return next(found, None)


def _content(name: str, tier: str, wanted: Wanted) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": name,
        "type": "QUEUE",
        "image": wanted.image,
        "env": {VERSION_VARIABLE: __version__, **wanted.environment},
        "disk": DISK_GB,
        "gpu": {"pools": [tier], "count": 1},
        "workers": {"min": 0, "max": wanted.workers_max, "idleTimeout": wanted.idle_timeout},
        # Scaling on the number of requests, workers would have no idle timeout (openapi.json).
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": QUEUE_DELAY},
        "timeout": EXECUTION_TIMEOUT_MS,
        "flashboot": "FLASHBOOT",
    }
    if wanted.volume is not None:
        content["networkVolumes"] = [wanted.volume]
    if wanted.registry is not None:
        content["registry"] = wanted.registry
    return content


def _change(tier: str, name: str, found: Record, content: dict[str, Any]) -> Step:
    """Return what brings an endpoint to exactly what is wanted."""
    changes = {
        key: value
        for key, value in content.items()
        if key not in {"name", "type"} and not _is_as(key, found.get(key), value)
    }
    removes = tuple(
        f"{word} {', '.join(gone)}"
        for key, word in _OPTIONS.items()
        if (gone := sorted(_names(found.get(key)) - _names(content[key])))
    )
    return Step(tier=tier, name=name, endpoint=found["id"], content=changes, removes=removes)


def _names(setting: Any) -> set[str]:
    """Return what a setting of one or several names has."""
    return {setting} if isinstance(setting, str) else set(setting or ())


def _is_as(key: str, there: Any, wanted: Any) -> bool:
    """Whether a setting is as wanted; the environment has to be exactly so."""
    if not wanted:
        return not there
    return bool(there == wanted) if key == "env" else _covers(there, wanted)


def _covers(there: Any, wanted: Any) -> bool:
    """Whether what is there is what is wanted; an object may have more fields."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        return all(_covers(there.get(key), value) for key, value in wanted.items())
    return bool(there == wanted)


def bucket_environment() -> dict[str, str]:
    """Return the keys of a bucket, from this environment, for workers' environment.

    Raises:
        UsageError: They are not set.
    """
    keys = bucket_keys()
    if keys is None:
        raise UsageError(f"--bucket-keys: expected {BUCKET_ID} and {BUCKET_KEY} in the environment")
    secret = keys.secret_access_key.get_secret_value()
    url = {} if keys.url is None else {BUCKET_URL: keys.url}
    return {BUCKET_ID: keys.access_key_id, BUCKET_KEY: secret, **url}


def config_snippet(endpoints: Mapping[str, str]) -> str:
    """Return the configuration with which `optimize --config` uses endpoints, YAML."""
    import yaml

    content = {"execution": {"backend": "runpod", "remote": {"endpoints": dict(endpoints)}}}
    return yaml.safe_dump(content, sort_keys=False)


def hourly_limit(tiers: Iterable[str], workers_max: int, prices: Prices) -> float:
    """Return what all workers of all tiers together cost, running without a pause, USD an hour."""
    return sum(prices.tiers[tier].per_hour * workers_max for tier in dict.fromkeys(tiers))
