"""What RunPod's record of an endpoint says: its GPU tier, its limits, and its image's version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo_torch_runpod.prices import Prices

VERSION_VARIABLE = "HPO_TORCH_VERSION"
"""Environment variable of an endpoint, by which `deploy` notes the image's hpo-torch."""

IDLE_TIMEOUT = 10.0
"""Seconds, where RunPod does not say: REST v2's default; the console's is 5."""

_TAG = re.compile(r":v?(\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc|\.dev|\.post)\d+)*)(?:[-_][\w.-]*)?$")
_NAME = re.compile(r"hpo-torch-(?P<version>\d[\w.]*)-(?P<tier>[A-Z][A-Z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """What RunPod says of an endpoint.

    Attributes:
        endpoint: Its id.
        name: Its name; need not be unique.
        tier: Its GPU tier, of several the dearest; "" where that is not known.
        workers_max: Workers that it may have at once; None where the key may not read that.
        workers_min: Workers that always run, and cost, whether there are jobs or not.
        idle_timeout: Seconds that a worker waits for another job, billed.
        gpus: GPUs of each worker.
        version: hpo-torch of its image; "" where that is not known.
        image: Its image; "" where that is not known.
    """

    endpoint: str
    name: str = ""
    tier: str = ""
    workers_max: int | None = None
    workers_min: int = 0
    idle_timeout: float = IDLE_TIMEOUT
    gpus: int = 1
    version: str = ""
    image: str = ""


def read_facts(record: dict[str, Any], prices: Prices) -> EndpointFacts:
    """Read a record of GET /v2/serverless/{id}; it is not trusted to have everything."""
    gpu, workers = record.get("gpu") or {}, record.get("workers") or {}
    image, environment = record.get("image") or "", record.get("env") or {}
    return EndpointFacts(
        endpoint=record["id"],
        name=record.get("name") or "",
        tier=_dearest(gpu.get("pools") or [], prices),
        workers_max=workers.get("max"),
        workers_min=workers.get("min") or 0,
        idle_timeout=float(workers.get("idleTimeout") or IDLE_TIMEOUT),
        gpus=gpu.get("count") or 1,
        version=environment.get(VERSION_VARIABLE) or version_of(image),
        image=image,
    )


def our_name(name: str) -> tuple[str, str] | None:
    """Return version and tier that are in a name if `deploy` gave it.

    RunPod has marked endpoints with FlashBoot by a suffix of the name.

    >>> our_name("hpo-torch-0.1.0-ADA_24 -fb")
    ('0.1.0', 'ADA_24')
    """
    found = _NAME.fullmatch(name.removesuffix("-fb").strip())
    return (found["version"], found["tier"]) if found else None


def version_of(image: str) -> str:
    """Return the version that an image's tag names; "" if it names none.

    >>> version_of("ghcr.io/me/hpo-torch:0.1.0-cu128")
    '0.1.0'
    """
    found = _TAG.search(image.partition("@")[0])
    return found[1] if found else ""


def _dearest(pools: list[str], prices: Prices) -> str:
    """Return the dearest of several pools: which of them a worker gets is not known before."""
    known = [prices.tiers[pool] for pool in pools if pool in prices.tiers]
    return max(known, key=lambda each: each.per_second).tier if known else ""
