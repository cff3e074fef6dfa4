from __future__ import annotations

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.protocol.usage import RemoteUsage
from hpo_torch_runpod.ledger import (
    Followed,
    Ledger,
    Proven,
    Settled,
    Submitted,
    Submitting,
    read_ledger,
)


def submitting(submission, *attempts, held=1.0):
    return Submitting(
        submission=submission,
        endpoint="ep",
        tier="ADA_24",
        reason="the cheapest",
        price_per_second=0.0003,
        price_source="table",
        attempts={attempt: number for number, attempt in enumerate(attempts)},
        held=held,
    )


def settled(attempt, upper):
    usage = RemoteUsage(
        job="j",
        endpoint="ep",
        tier="ADA_24",
        price_per_second=0.0003,
        price_source="table",
        queue_seconds=0.0,
        execution_seconds=1.0,
        cost_lower=0.0,
        cost_upper=upper,
    )
    return Settled(attempt=attempt, usage=usage)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "backend" / "jobs.jsonl"


def test_an_attempt_never_submitted_has_no_trace(path):
    ledger = Ledger(path)
    ledger.add(submitting("s", "a"))
    assert ledger.trace("b") is None
    assert Ledger(path).trace("a") is not None


def test_a_submission_without_answer_has_a_trace_without_job(path):
    Ledger(path).add(submitting("s", "a"))
    trace = Ledger(path).trace("a")
    assert trace.job is None
    assert trace.submitting.endpoint == "ep"


def test_the_last_submission_and_the_job_that_is_followed_count(path):
    ledger = Ledger(path)
    ledger.add(submitting("s1", "a", "b"))
    ledger.add(Submitted(submission="s1", job="j1"))
    ledger.add(submitting("s2", "b"))
    assert ledger.trace("b").job is None
    ledger.add(Submitted(submission="s2", job="j2"))
    ledger.add(Followed(attempt="b", job="j0"))
    assert (ledger.trace("a").job, ledger.trace("b").job) == ("j1", "j0")
    assert Ledger(path).trace("b").job == "j0"


def test_money_of_settled_attempts_is_spent_and_of_the_others_held(path):
    ledger = Ledger(path)
    ledger.add(submitting("s", "a", "b", held=2.0))
    ledger.add(settled("a", 0.5))
    ledger.add(settled("a", 0.25))  # the last line of an attempt counts
    again = Ledger(path)
    assert {name: usage.cost_upper for name, usage in again.settled().items()} == {"a": 0.25}
    assert again.settled() == ledger.settled()
    assert again.held() == {"b": 2.0}


def test_a_torn_last_line_is_no_line_and_is_cut_off_by_the_next(path):
    ledger = Ledger(path)
    ledger.add(submitting("s", "a"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    again = Ledger(path)
    again.add(Submitted(submission="s", job="j"))
    assert [line.kind for line in read_ledger(path)] == ["submitting", "submitted"]


def test_a_line_changed_by_hand_is_named(path):
    Ledger(path).add(submitting("s", "a"))
    path.write_text(path.read_text() + '{"kind": "what"}\n')
    with pytest.raises(OutputError, match=r"jobs\.jsonl, line 2: .*changed by hand"):
        Ledger(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "backend").write_text("a file")
    with pytest.raises(OutputError, match="backend"):
        Ledger(tmp_path / "backend" / "jobs.jsonl").add(submitting("s", "a"))


def test_an_endpoint_whose_workers_can_train_stays_so(path):
    ledger = Ledger(path)
    assert ledger.proven() == set()
    ledger.add(Proven(endpoint="ep"))
    assert ledger.proven() == Ledger(path).proven() == {"ep"}


def test_no_ledger_is_an_empty_one(path):
    assert read_ledger(path) == []


def test_the_smallest_share_of_data_that_went_with_a_job_counts(path):
    ledger = Ledger(path)
    for name, fraction in (("a", 0.5), ("b", 0.25)):
        ledger.add(submitting(name, name).model_copy(update={"data_fraction": fraction}))
    assert ledger.data_fraction(["a", "b", "never submitted"]) == 0.25
    assert ledger.data_fraction([]) == 1.0
