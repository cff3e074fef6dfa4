from __future__ import annotations

import math

import pytest

from hpo_torch.config.remote_schema import RemoteSettings
from hpo_torch.protocol.usage import RemoteUsage
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.accounts import Accounts
from hpo_torch_runpod.endpoint_facts import EndpointFacts
from hpo_torch_runpod.ledger import Ledger, Submitting
from hpo_torch_runpod.preflight import Preflight
from hpo_torch_runpod.prices import table_prices

PRICES = table_prices()
SMALL = PRICES.tiers["AMPERE_16"].per_second
# 60 s and 300 s to start, 300 s in the queue, 5 s idle.
LONGEST = 665
JOB = fake_job(0).model_copy(update={"timeout": 60.0})


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "jobs.jsonl")


def accounts(ledger, **remote):
    endpoints = {"AMPERE_16": "small", "AMPERE_48": "large"}
    facts = {
        name: EndpointFacts(endpoint=name, tier=tier, idle_timeout=5.0)
        for tier, name in endpoints.items()
    }
    settings = RemoteSettings(endpoints=endpoints, **remote)
    return Accounts(Preflight(settings=settings, endpoints=facts, prices=PRICES), ledger)


def usage(upper, attempt="x"):
    return RemoteUsage(
        job="j",
        endpoint="small",
        tier="AMPERE_16",
        price_per_second=SMALL,
        price_source="table",
        queue_seconds=0,
        execution_seconds=1,
        cost_lower=0,
        cost_upper=upper,
    )


def submitting(*attempts, held):
    return Submitting(
        submission="s",
        endpoint="small",
        tier="AMPERE_16",
        reason="",
        price_per_second=SMALL,
        price_source="table",
        attempts=dict.fromkeys(attempts, 0),
        held=held,
    )


def test_a_trial_that_ran_out_of_memory_goes_to_the_next_tier(ledger):
    made = accounts(ledger)
    assert made.choose(JOB).endpoint == "small"
    made.ran_out_of_memory(JOB.trial, "AMPERE_16")
    assert made.choose(JOB).endpoint == "large"
    assert made.choose(fake_job(1)).endpoint == "small"
    made.ran_out_of_memory(JOB.trial, "AMPERE_48")  # there is no larger one: halves have to do
    assert made.choose(JOB).endpoint == "small"


def test_what_a_trial_may_cost_is_set_aside_until_it_is_known(ledger):
    most = LONGEST * SMALL
    made = accounts(ledger, max_cost=2.5 * most)
    tariff = made.choose(JOB)
    assert made.most(JOB, tariff) == pytest.approx(most)
    other, third = (JOB.model_copy(update={"attempt": name}) for name in ("b", "c"))
    assert made.reserve(JOB, tariff) == made.reserve(other, tariff) == ""
    assert not made.affords_another
    assert made.refusal(waiting=True) == ""  # most of it may come back
    assert "budget" in made.refusal(waiting=False)
    assert "budget" in made.reserve(third, tariff)
    made.settle(JOB.attempt, usage(0.1 * most))
    assert made.affords_another
    assert made.refusal(waiting=False) == ""
    assert made.reserve(third, tariff) == ""
    made.settle(other.attempt, usage(1.6 * most))
    assert "budget" in made.refusal(waiting=True)  # whatever comes back


def test_no_limit_refuses_nothing(ledger):
    made = accounts(ledger)
    assert made.reserve(JOB, made.choose(JOB)) == made.refusal(waiting=False) == ""
    assert made.affords_another


def test_what_earlier_processes_spent_or_may_have_spent_counts(ledger, tmp_path):
    most = LONGEST * SMALL
    ledger.add(submitting("a", "b", held=most))
    accounts(ledger).settle("a", usage(0.5 * most))
    again = Ledger(tmp_path / "jobs.jsonl")
    tariff = accounts(again).choose(JOB)
    assert accounts(again, max_cost=2.4 * most).reserve(JOB, tariff) != ""  # 0.5 + 1 + 1
    assert accounts(again, max_cost=2.6 * most).reserve(JOB, tariff) == ""


def test_what_never_got_to_runpod_costs_nothing_and_is_not_written(ledger):
    made = accounts(ledger, max_cost=1.0)
    made.reserve(JOB, made.choose(JOB))
    made.settle(JOB.attempt, None)
    assert ledger.settled() == made.settled == {}


def test_the_price_is_of_all_cards_of_a_worker(ledger):
    facts = {"two": EndpointFacts(endpoint="two", tier="AMPERE_16", gpus=2, idle_timeout=30.0)}
    settings = RemoteSettings(endpoints={"AMPERE_16": "two"})
    made = Accounts(Preflight(settings=settings, endpoints=facts, prices=PRICES), ledger)
    tariff = made.choose(JOB)
    assert tariff.price_per_second == 2 * SMALL
    assert tariff.idle_seconds == 30.0


def test_what_was_settled_before_is_counted_once(ledger, tmp_path):
    most = LONGEST * SMALL
    accounts(ledger).settle("a", usage(most))
    again = accounts(Ledger(tmp_path / "jobs.jsonl"), max_cost=2.1 * most)
    assert again.settled == {"a": usage(most)}
    again.settle("a", usage(most))
    assert again.reserve(JOB, again.choose(JOB)) == ""


def test_as_many_workers_as_runpod_says(ledger):
    facts = {"known": EndpointFacts(endpoint="known", workers_max=2)}
    facts["not readable"] = EndpointFacts(endpoint="not readable")
    found = Preflight(settings=RemoteSettings(), endpoints=facts, prices=PRICES)
    made = Accounts(found, ledger)
    assert made.workers("known") == 2
    assert made.workers("not readable") == made.workers("gone") == math.inf
