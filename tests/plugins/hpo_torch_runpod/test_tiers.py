from __future__ import annotations

import pytest

from hpo_torch.config.remote_schema import RemoteSettings
from hpo_torch.errors import UnknownNameError, UsageError
from hpo_torch_runpod.prices import table_prices
from hpo_torch_runpod.tiers import NoLargerTierError, choose_tier

PRICES = table_prices()
THREE = {"ADA_24": "ep-24", "AMPERE_48": "ep-48", "HOPPER_141": "ep-141"}


def choose(need, above=None, **settings):
    return choose_tier(need, RemoteSettings(**settings), PRICES, above)


@pytest.mark.parametrize(
    ("gigabytes", "tier"), [(1, "ADA_24"), (20, "ADA_24"), (20.1, "AMPERE_48"), (117, "HOPPER_141")]
)
def test_the_cheapest_tier_that_fits_the_need_1_2_times(gigabytes, tier):
    # 20 x 1.2 = 24; 117 x 1.2 = 140.4
    choice = choose(int(gigabytes * 1e9), endpoints=THREE)
    assert (choice.tier, choice.endpoint) == (tier, THREE[tier])


def test_the_reason_says_need_and_memory():
    choice = choose(20_500_000_000, endpoints=THREE)
    assert choice.reason == "the cheapest whose memory, 48 GB, fits 1.2 x 20.5 GB needed"
    assert (choice.price_per_second, choice.price_source) == (0.00034, "table of 2026-06-08")


def test_price_decides_and_not_memory():
    # 96 GB of BLACKWELL_96 cost less than 80 GB of ADA_80_PRO.
    choice = choose(50_000_000_000, endpoints={"ADA_80_PRO": "a", "BLACKWELL_96": "b"})
    assert choice.tier == "BLACKWELL_96"


def test_an_unknown_need_goes_to_the_cheapest():
    choice = choose(None, endpoints=THREE)
    assert choice.tier == "ADA_24"
    assert "not known" in choice.reason


def test_a_need_that_no_tier_fits_goes_to_the_largest():
    choice = choose(200_000_000_000, endpoints=THREE)
    assert choice.tier == "HOPPER_141"
    assert choice.reason == "the largest, 141 GB; less than 1.2 x 200 GB needed"


def test_after_running_out_of_memory_the_cheapest_with_more():
    choice = choose(1, above="ADA_24", endpoints=THREE)
    assert choice.tier == "AMPERE_48"
    assert choice.reason == "ADA_24 ran out of memory; the cheapest with more: 48 GB"


def test_a_dearer_tier_of_the_same_memory_is_not_larger():
    with pytest.raises(NoLargerTierError, match="more GPU memory than AMPERE_24 has"):
        choose(1, above="AMPERE_24", endpoints={"AMPERE_24": "a", "ADA_24": "b"})


def test_nothing_is_larger_than_the_largest():
    with pytest.raises(NoLargerTierError, match="runpod deploy --tier"):
        choose(1, above="HOPPER_141", endpoints=THREE)


def test_nothing_is_larger_than_an_endpoint_of_unknown_tier():
    with pytest.raises(NoLargerTierError, match="than its endpoint has"):
        choose(1, above="", endpoint="ep")


def test_a_named_tier_is_taken_whatever_the_need():
    choice = choose(200_000_000_000, endpoints=THREE, gpu_tier="ADA_24")
    assert (choice.endpoint, choice.reason) == ("ep-24", "asked for")
    with pytest.raises(NoLargerTierError, match="--gpu-tier ADA_24 allows no other"):
        choose(1, above="ADA_24", endpoints=THREE, gpu_tier="ADA_24")


def test_a_named_tier_that_does_not_exist():
    with pytest.raises(UnknownNameError, match="unknown GPU tier 'ADA24'"):
        choose(1, endpoints=THREE, gpu_tier="ADA24")


def test_a_named_tier_without_an_endpoint():
    with pytest.raises(UsageError, match="only of ADA_24, AMPERE_48, HOPPER_141"):
        choose(1, endpoints=THREE, gpu_tier="AMPERE_80")


def test_a_configured_tier_that_does_not_exist():
    with pytest.raises(UnknownNameError, match="AMPERE_84"):
        choose(1, endpoints={"AMPERE_84": "ep"})


def test_one_endpoint_is_of_the_tier_that_is_named():
    choice = choose(1, endpoint="ep", gpu_tier="AMPERE_80")
    assert (choice.tier, choice.endpoint, choice.price_per_second) == ("AMPERE_80", "ep", 0.00076)


def test_one_endpoint_of_unknown_tier_is_counted_at_the_dearest_price():
    choice = choose(1, endpoint="ep")
    assert (choice.tier, choice.endpoint, choice.price_per_second) == ("", "ep", 0.00240)
    assert choice.price_source == "table of 2026-06-08, the dearest tier's (BLACKWELL_180)"


def test_one_endpoint_that_is_named_is_the_only_one():
    choice = choose(1, endpoint="ep-48", endpoints=THREE)
    assert (choice.tier, choice.endpoint) == ("AMPERE_48", "ep-48")
    assert choose(1, endpoint="ep", endpoints=THREE).endpoint == "ep"


def test_without_an_endpoint():
    with pytest.raises(UsageError, match="expected an endpoint, got none"):
        choose(1)
