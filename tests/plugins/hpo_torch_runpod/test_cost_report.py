from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hpo_torch.protocol.usage import Cost, RemoteUsage
from hpo_torch.results.records import TrialResult
from hpo_torch_runpod.bills import Bill, bill_of
from hpo_torch_runpod.cost_report import COLUMNS, CostReport
from hpo_torch_runpod.ledger import Settled, Uploaded


def usage(job, lower, upper, **changes):
    values = {
        "endpoint": "ep-24", "tier": "ADA_24", "gpu": "NVIDIA GeForce RTX 4090",
        "price_per_second": 0.00031, "price_source": "table of 2026-06-08", "queue_seconds": 10.0,
        "execution_seconds": 40.0, "bytes_sent": 3000, "bytes_received": 45_500,
    }  # fmt: skip
    return RemoteUsage(job=job, cost_lower=lower, cost_upper=upper, **values | changes)


def trial(number, *usages, started="2026-11-28T10:00:00+00:00", seconds=60.0):
    return TrialResult(
        trial=number, attempt="a", state="complete", seed=0, family="cnn", hyperparameters={},
        started=started, seconds=seconds, usage=list(usages),
    )  # fmt: skip


LARGER = {"endpoint": "ep-48", "tier": "AMPERE_48", "gpu": "NVIDIA A40"}
REPORT = CostReport.of(
    [
        trial(0, usage("j0", 0.0124, 0.0171)),
        trial(1),  # at home
        trial(2, usage("j2", 0.001, 0.002), usage("j3", 0.01, 0.02, **LARGER)),
    ],
    [trial(0, usage("j4", 0.1, 0.2), started="2026-11-28T11:00:00+00:00")],
    [Settled(attempt="all", usage=usage("j", 0.1334, 0.25))],
)


def test_a_trial_adds_up_its_attempts():
    first, second, third = REPORT.trials
    assert (first.trial, second.trial, third.trial, third.part) == (0, 2, 0, "confirmation")
    assert (second.queue_seconds, second.execution_seconds) == (20.0, 80.0)
    assert (second.cost.lower, second.cost.upper) == pytest.approx((0.011, 0.022))


def test_rows_and_their_total():
    rows = REPORT.rows()
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert rows[0] == (
        "0", "complete", "ADA_24", "NVIDIA GeForce RTX 4090", "1", "10.0 s", "40.0 s", "$0.01240",
        "$0.01710", "3.0 kB", "45.5 kB",
    )  # fmt: skip
    assert rows[1][2:5] == ("ADA_24, AMPERE_48", "NVIDIA GeForce RTX 4090, NVIDIA A40", "2")
    assert rows[2][0] == "confirmation 0"
    assert rows[3] == (
        "total", "", "", "", "4", "40.0 s", "160.0 s", "$0.12340", "$0.23910", "12.0 kB",
        "182.0 kB",
    )  # fmt: skip


def test_trials_that_share_a_job_share_its_start():
    report = CostReport.of([trial(0, usage("j", 1, 2)), trial(1, usage("j", 1, 2))], [])
    assert report.rows()[-1][4] == "1"


def test_what_unfinished_trials_cost_is_the_rest_of_the_whole():
    assert REPORT.unlisted is not None
    assert (REPORT.unlisted.lower, REPORT.unlisted.upper) == pytest.approx((0.01, 0.0109))
    one = usage("j", 0.1, 0.2)
    complete = CostReport.of([trial(0, one)], [], [Settled(attempt="a", usage=one)])
    assert complete.unlisted is None
    assert CostReport.of([trial(0, one)], []).unlisted is None
    assert REPORT.remarks() == ["$0.01000 to $0.01090 more for attempts that no ended trial lists"]
    assert complete.remarks() == []


def test_what_went_into_the_bucket_is_said_apart_from_the_trials_bytes():
    lines = [Uploaded(url=f"s3://bucket/{name}", size=1_500_000) for name in "ab"]
    report = CostReport.of([trial(0, usage("j", 0.1, 0.2))], [], lines)
    assert report.record()["bytes_uploaded"] == 3_000_000
    assert report.record()["trials"][0]["bytes_sent"] == 3000
    assert report.remarks() == [
        "3000.0 kB of own data were put into the bucket, once for all trials"
    ]


def test_an_attempt_that_is_settled_again_counts_once():
    first = Settled(attempt="a", usage=usage("j", 0.5, 1.0))
    again = Settled(attempt="a", usage=usage("j", 0.25, 0.5))
    other = Settled(attempt="b", usage=usage("j", 1.0, 2.0))
    report = CostReport.of([], [], [first, other, again])
    assert report.whole == report.unlisted == Cost(lower=1.25, upper=2.5)
    assert CostReport.of([], []).whole is None


def test_record_has_every_attempt():
    record = REPORT.record()
    assert [len(each["attempts"]) for each in record["trials"]] == [1, 2, 1]
    assert record["total"]["upper"] == pytest.approx(0.2391)
    assert record["price_sources"] == ["table of 2026-06-08"]


def test_period_is_from_the_first_start_to_the_last_end():
    start, end = REPORT.period()
    assert start == datetime(2026, 11, 28, 10, tzinfo=UTC)
    assert end == datetime(2026, 11, 28, 11, 1, tzinfo=UTC)


def test_nothing_rented():
    report = CostReport.of([trial(0)], [])
    assert (report.trials, report.endpoints) == ((), ())


def test_a_bill_is_asked_for_by_endpoint_and_hour():
    asked = []

    class Api:
        def billed(self, endpoint, start, end):
            asked.append((endpoint, start.hour, end.hour))
            return 0.1

    bill = bill_of(REPORT, Api())  # type: ignore[arg-type]
    assert asked == [("ep-24", 10, 12), ("ep-48", 10, 12)]
    assert bill == Bill({"ep-24": 0.1, "ep-48": 0.1}, 0.1334, 0.25)


@pytest.mark.parametrize(
    ("billed", "part"),
    [(0.05, "less than the trials cost"), (0.2, "within"), (0.5, "more than the trials cost")],
)
def test_a_bill_says_what_it_means(billed, part):
    assert part in Bill({"ep": billed}, 0.1, 0.25).text()
