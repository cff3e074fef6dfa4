"""Which GPU tier, and so which endpoint, a trial goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import HpoTorchError, UnknownNameError, UsageError
from hpo_torch_runpod.prices import GIGABYTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.config.remote_schema import RemoteSettings
    from hpo_torch_runpod.prices import Prices, TierPrice

AUTO = "auto"

HEADROOM = 1.2
"""Memory that is looked for per byte of need: an estimate counts no CUDA context, no fragments."""


class NoLargerTierError(HpoTorchError):
    """A trial ran out of memory, and no endpoint with more of it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChoice:
    """Where a trial goes, and why.

    Attributes:
        tier: RunPod's name of the pool; "" where the endpoint's tier is not known.
        endpoint: The endpoint's id.
        reason: For people.
        price_per_second: USD per GPU; the dearest tier's where the tier is not known.
        price_source: Where the price comes from.
    """

    tier: str
    endpoint: str
    reason: str
    price_per_second: float
    price_source: str


def choose_tier(
    need_bytes: int | None,
    settings: RemoteSettings,
    prices: Prices,
    above: str | None = None,
) -> TierChoice:
    """Return the cheapest tier that has an endpoint and whose memory fits the need 1.2 times.

    A tier named by `settings.gpu_tier` is taken whatever the need is. Where no tier is large
    enough, the largest is: the need is an estimate.

    Args:
        need_bytes: Peak of a training step, as the study estimates it (`TrialJob.memory_bytes`);
            None where it could not: the cheapest tier.
        settings: Endpoints by tier, and the tier asked for. `endpoint` is of the tier that
            `gpu_tier` names, or of one that is not known (`preflight.check` finds it out).
        prices: Memory and price of every tier.
        above: The tier on which the trial ran out of memory: only larger ones count.

    Raises:
        UnknownNameError: No such tier.
        UsageError: No endpoint is known, or none of the tier asked for.
        NoLargerTierError: No tier with an endpoint has more memory than `above`.
    """
    known = known_endpoints(settings)
    check_tiers(known, prices)
    if settings.gpu_tier != AUTO:
        return _named(settings, known, prices, above)
    sized = [prices.tiers[tier] for tier in known if tier]
    if above is not None:
        return _larger(sized, known, prices, above)
    if not sized:
        return _unknown(known[""], prices)
    tier, reason = _cheapest(need_bytes, sized)
    return _choice(tier, known, prices, reason)


def known_endpoints(settings: RemoteSettings) -> dict[str, str]:
    """Return the endpoints by tier; the tier "" is the one of an endpoint whose tier nobody says.

    Where one is named, it is that one alone.

    Raises:
        UsageError: There is none.
    """
    known, one = dict(settings.endpoints), settings.endpoint
    if one is not None:
        said = "" if settings.gpu_tier == AUTO else settings.gpu_tier
        known = {tier: each for tier, each in known.items() if each == one} or {said: one}
    if not known:
        raise UsageError(
            "RunPod: expected an endpoint, got none. Name one with --endpoint, RUNPOD_ENDPOINT_ID "
            "or execution.remote.endpoints in the configuration, or make one: 'hpo-torch runpod "
            "deploy'."
        )
    return known


def check_tiers(tiers: Iterable[str], prices: Prices) -> None:
    """Check that RunPod has these tiers; "" passes.

    Raises:
        UnknownNameError: It has not; the message lists those that it has.
    """
    for tier in tiers:
        if tier and tier not in prices.tiers:
            raise UnknownNameError("GPU tier", tier, prices.tiers)


def _named(
    settings: RemoteSettings, known: dict[str, str], prices: Prices, above: str | None
) -> TierChoice:
    tier = settings.gpu_tier
    check_tiers([tier], prices)
    if tier not in known:
        have = ", ".join(sorted(known))
        raise UsageError(
            f"RunPod: no endpoint of GPU tier {tier} is known, only of {have}. Make one: "
            f"'hpo-torch runpod deploy --tier {tier}', or choose another --gpu-tier."
        )
    if above is not None:
        raise NoLargerTierError(
            f"a trial needs more GPU memory than {above} has, and --gpu-tier {tier} allows no other"
        )
    return _choice(prices.tiers[tier], known, prices, "asked for")


def _larger(
    sized: list[TierPrice], known: dict[str, str], prices: Prices, above: str
) -> TierChoice:
    full = prices.tiers.get(above)
    larger = [] if full is None else [t for t in sized if t.memory_bytes > full.memory_bytes]
    if not larger:
        raise NoLargerTierError(
            f"a trial needs more GPU memory than {above or 'its endpoint'} has, and no endpoint "
            "with more is known. Make one: 'hpo-torch runpod deploy --tier ...'."
        )
    tier = min(larger, key=_by_price)
    reason = f"{above} ran out of memory; the cheapest with more: {_gigabytes(tier.memory_bytes)}"
    return _choice(tier, known, prices, reason)


def _cheapest(need_bytes: int | None, sized: list[TierPrice]) -> tuple[TierPrice, str]:
    if need_bytes is None:
        return min(sized, key=_by_price), "the cheapest; what the trial needs is not known"
    wanted = need_bytes * HEADROOM
    need = f"{HEADROOM:g} x {_gigabytes(need_bytes)} needed"
    enough = [tier for tier in sized if tier.memory_bytes >= wanted]
    if not enough:
        tier = max(sized, key=lambda each: (each.memory_bytes, -each.per_second))
        return tier, f"the largest, {_gigabytes(tier.memory_bytes)}; less than {need}"
    tier = min(enough, key=_by_price)
    return tier, f"the cheapest whose memory, {_gigabytes(tier.memory_bytes)}, fits {need}"


def _unknown(endpoint: str, prices: Prices) -> TierChoice:
    """Take an endpoint of no known tier: its costs are then rather too high than too low."""
    dearest = max(prices.tiers.values(), key=lambda each: each.per_second)
    return TierChoice(
        tier="",
        endpoint=endpoint,
        reason="the only endpoint; its GPU tier is not known",
        price_per_second=dearest.per_second,
        price_source=f"{prices.source}, the dearest tier's ({dearest.tier})",
    )


def _choice(tier: TierPrice, known: dict[str, str], prices: Prices, reason: str) -> TierChoice:
    return TierChoice(
        tier=tier.tier,
        endpoint=known[tier.tier],
        reason=reason,
        price_per_second=tier.per_second,
        price_source=prices.source,
    )


def _by_price(tier: TierPrice) -> tuple[float, int, str]:
    """Order by price; of equal ones the larger memory first."""
    return tier.per_second, -tier.memory_bytes, tier.tier


def _gigabytes(count: int) -> str:
    return f"{count / GIGABYTE:.3g} GB"
