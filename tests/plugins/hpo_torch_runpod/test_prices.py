from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hpo_torch.testing.runpod_standin import Fault
from hpo_torch_runpod.prices import TABLE, catalogue_prices, current_prices, table_prices

NOW = datetime(2026, 11, 28, 10, 0, 30, tzinfo=UTC)


def card(name, pool, memory, serverless):
    price = {"secure": 1.0, "community": 0.5}
    if serverless is not None:
        price["serverless"] = serverless
    return {"id": f"NVIDIA {name}", "name": name, "pool": pool, "memory": memory, "price": price}


def test_a_pool_is_as_dear_as_its_dearest_card_and_as_large_as_its_smallest():
    prices = catalogue_prices([card("A", "P", 48, 1.8), card("B", "P", 45, 3.6)], NOW)
    tier = prices.tiers["P"]
    assert tier.per_second == pytest.approx(0.001)
    assert tier.per_hour == pytest.approx(3.6)
    assert tier.memory_bytes == 45_000_000_000
    assert tier.cards == ("A", "B")


def test_cards_outside_of_pools_or_without_a_serverless_price_are_left_out():
    cards = [card("A", None, 24, 1.0), card("B", "Q", 24, None), card("C", "P", 24, 1.0)]
    assert set(catalogue_prices(cards, NOW).tiers) == {"P"}


def test_the_source_tells_the_time_in_utc():
    later = NOW.astimezone(timezone(timedelta(hours=5)))
    assert catalogue_prices([], later).source == "catalog 2026-11-28T10:00:30Z"


def test_table_is_dated_and_complete():
    prices = table_prices("the reason")
    assert prices.source == "table of 2026-06-08"
    assert prices.problem == "the reason"
    assert prices.tiers["ADA_24"].per_second == 0.00031
    assert prices.tiers["HOPPER_141"].memory_bytes == 141 * 10**9
    assert set(prices.tiers) == set(TABLE)


def test_live_prices_are_those_of_the_catalogue(standin, api):
    standin.catalog["NVIDIA GeForce RTX 4090"].per_second = 0.5
    prices = current_prices(api)
    assert prices.tiers["ADA_24"].per_second == pytest.approx(0.5)
    assert prices.tiers["AMPERE_24"].cards == ("RTX A5000", "RTX 3090")
    assert prices.source.startswith("catalog 20")
    assert prices.problem == ""


@pytest.mark.parametrize("kind", ["answer", "garble", "drop_before"])
def test_without_the_catalogue_the_table_counts_and_says_why(standin, api, kind):
    standin.faults.add(Fault(place="manage", kind=kind, status=503, times=None))
    prices = current_prices(api)
    assert prices.source == "table of 2026-06-08"
    assert "catalog/gpus" in prices.problem


def test_a_catalogue_that_makes_no_sense_is_not_believed(api, monkeypatch):
    monkeypatch.setattr(type(api), "gpus", lambda _: [{"pool": "P", "id": "A"}])
    prices = current_prices(api)
    assert prices.source == "table of 2026-06-08"
    assert "not what it was" in prices.problem


def test_an_empty_catalogue_is_not_believed(api, monkeypatch):
    monkeypatch.setattr(type(api), "gpus", lambda _: [])
    assert current_prices(api).source == "table of 2026-06-08"
