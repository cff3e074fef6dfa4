"""What each GPU tier costs and how much memory it has: RunPod's live catalogue, or a dated table.

A tier is one of RunPod's pools of like cards ("ADA_24"). Which cards are in it is the catalogue's
to say: RunPod's own pages disagree, so no list of them is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hpo_torch_runpod.rest_api import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch_runpod.rest_api import RestApi

GIGABYTE = 10**9
"""Bytes. RunPod's gigabytes are at least that many; the difference is left as a reserve."""

SECONDS_PER_HOUR = 3600

TABLE_DATE = "2026-06-08"
TABLE: Mapping[str, tuple[int, float]] = {
    "AMPERE_16": (16, 0.00016),
    "AMPERE_24": (24, 0.00019),
    "ADA_24": (24, 0.00031),
    "AMPERE_48": (48, 0.00034),
    "ADA_48_PRO": (48, 0.00053),
    "AMPERE_80": (80, 0.00076),
    "ADA_80_PRO": (80, 0.00116),
    "BLACKWELL_96": (96, 0.00111),
    "HOPPER_141": (141, 0.00155),
    "BLACKWELL_180": (180, 0.00240),
}
"""Tier: gigabytes, and USD per second of a flex worker, as docs.runpod.io listed them that day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPrice:
    """One tier.

    Attributes:
        tier: RunPod's name of the pool.
        memory_bytes: Of the smallest card in it.
        per_second: USD per second and GPU; of the dearest card in it.
        cards: Names of its cards ("RTX 4090"); () where only the table knows the tier.
    """

    tier: str
    memory_bytes: int
    per_second: float
    cards: tuple[str, ...] = ()

    @property
    def per_hour(self) -> float:
        """USD per hour and GPU."""
        return self.per_second * SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Prices:
    """All tiers by name, and where the prices come from.

    Attributes:
        tiers: Every tier that can be had.
        source: "catalog 2026-11-28T10:00:00Z", or "table of 2026-06-08".
        problem: Why it is not the catalogue, "" where it is.
    """

    tiers: Mapping[str, TierPrice]
    source: str
    problem: str = field(default="", compare=False)


def table_prices(problem: str = "") -> Prices:
    """Return the prices of the dated table."""
    tiers = {
        tier: TierPrice(tier=tier, memory_bytes=gigabytes * GIGABYTE, per_second=price)
        for tier, (gigabytes, price) in TABLE.items()
    }
    return Prices(tiers, f"table of {TABLE_DATE}", problem)


def catalogue_prices(cards: list[dict[str, Any]], now: datetime) -> Prices:
    """Return the prices of the catalogue's answer, read at `now`.

    A pool is priced by its dearest card and sized by its smallest: which of them a worker gets is
    not known before.

    Args:
        cards: `gpus` of GET /v2/catalog/gpus; those without a pool or a serverless price are left
            out.
        now: When it was read.
    """
    pools: dict[str, list[dict[str, Any]]] = {}
    for card in cards:
        if card.get("pool") and card["price"].get("serverless"):
            pools.setdefault(card["pool"], []).append(card)
    tiers = {
        pool: TierPrice(
            tier=pool,
            memory_bytes=min(int(card["memory"]) for card in members) * GIGABYTE,
            per_second=max(float(card["price"]["serverless"]) for card in members)
            / SECONDS_PER_HOUR,
            cards=tuple(card["name"] for card in members),
        )
        for pool, members in pools.items()
    }
    return Prices(tiers, f"catalog {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")


def current_prices(api: RestApi) -> Prices:
    """Return the catalogue's prices; the table's where it does not answer or makes no sense."""
    try:
        prices = catalogue_prices(api.gpus(), datetime.now(UTC))
    except ApiError as error:
        return table_prices(str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return table_prices(f"the catalogue's answer is not what it was: {error!r}")
    return prices if prices.tiers else table_prices("the catalogue lists no serverless GPU")
