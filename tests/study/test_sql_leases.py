"""Leases on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from lease_engine import Engine
from sqlalchemy import text

from hpo_torch.errors import StorageError
from hpo_torch.study.leases import Lease
from hpo_torch.study.sql_leases import SqlLeases
from hpo_torch.study.trial_marks import NEVER_BEGUN

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engines(database_url: str) -> Iterator[list[Engine]]:
    both = [Engine(database_url, 3), Engine(database_url, 3)]
    yield both
    for engine in both:
        engine.stop()


def test_take_hands_out_each_slot_once_and_no_more_than_wanted(engines):
    first, second = engines
    assert [first.begin(), second.begin(), first.begin()] == [
        (Lease(0, None), 0),
        (Lease(1, None), 1),
        (Lease(2, None), 2),
    ]
    assert second.leases.take() is None
    assert not second.leases.is_complete()
    assert first.rows() == [(0, 0, "open"), (1, 1, "open"), (2, 2, "open")]


def test_is_complete_once_all_engines_have_finished_and_told(engines):
    first, second = engines
    numbers = [first.begin()[1], second.begin()[1], second.begin()[1]]
    assert first.finish(numbers[0])
    assert second.finish(numbers[1])
    assert second.leases.finish(numbers[2], "pruned")
    assert not first.leases.is_complete()  # Optuna has not been told of the last one
    second.study.tell(numbers[2], state=optuna.trial.TrialState.PRUNED)
    assert first.leases.is_complete()
    assert first.rows() == [(0, 0, "complete"), (1, 1, "complete"), (2, 2, "pruned")]
    assert first.leases.take() is None


def test_release_lets_another_engine_go_on_with_the_trial(engines):
    first, second = engines
    lease, number = first.begin()
    first.leases.release(number)
    assert second.leases.take() == Lease(lease.slot, number)
    assert not first.leases.finish(number, "complete")
    assert second.finish(number)


def test_close_releases_everything_but_what_is_finished(engines):
    first, second = engines
    done = first.begin()[1]
    assert first.finish(done)
    unfinished = first.begin()[1]
    first.leases.close()
    assert second.leases.take() == Lease(1, unfinished)


def test_the_larger_number_of_wanted_trials_counts(engines, database_url):
    first, _ = engines
    for _ in range(3):
        assert first.finish(first.begin()[1])
    assert first.leases.is_complete()
    more, fewer = Engine(database_url, 4), Engine(database_url, 1)
    assert not first.leases.is_complete()
    assert first.leases.take() == Lease(3, None)
    assert fewer.leases.take() is None
    more.stop()
    fewer.stop()


def test_finish_is_refused_once_another_engine_took_over(engines):
    first, second = engines
    lease, number = first.begin()
    first.expire()
    assert second.leases.take() == Lease(lease.slot, number)
    assert not first.finish(number)
    assert first.study.trials[number].state == optuna.trial.TrialState.RUNNING
    assert second.finish(number)
    assert second.rows() == [(0, number, "complete")]


def test_expired_lease_that_nobody_took_is_still_ours(engines):
    first, _ = engines
    number = first.begin()[1]
    first.expire()
    first.leases._renew()
    assert first.finish(number)


def test_take_leaves_its_own_late_lease_to_itself(engines):
    first, second = engines
    number = first.begin()[1]
    first.expire()  # the database was away for longer than a lease lasts
    assert first.leases.take() == Lease(1, None)
    assert first.finish(number)
    assert second.rows()[0] == (0, number, "complete")


def test_finish_repeated_after_a_lost_answer_is_still_ours(engines):
    first, second = engines
    number = first.begin()[1]
    assert first.leases.finish(number, "complete")
    assert first.leases.finish(number, "complete")
    assert not second.leases.finish(number, "complete")
    assert not first.leases.finish(number, "failed")


def test_take_finds_its_own_lease_of_which_it_never_heard(engines):
    first, second = engines
    assert first.leases.take() == Lease(0, None)
    first.leases._held.clear()  # as if the answer had been lost
    assert first.leases.take() == Lease(0, None)
    assert second.leases.take() == Lease(1, None)


def test_take_goes_on_with_a_trial_that_its_dead_engine_never_bound(engines):
    first, second = engines
    assert first.leases.take() == Lease(0, None)
    orphan = first.study.ask().number
    first.expire()
    assert second.leases.take() == Lease(0, orphan)
    assert second.finish(orphan)
    assert second.rows() == [(0, orphan, "complete")]


def test_take_leaves_a_trial_alone_that_a_living_engine_is_about_to_bind(engines):
    first, second = engines
    lease = first.leases.take()
    number = first.study.ask().number
    assert second.leases.take() == Lease(1, None)
    assert second.leases.strays() == []
    first.leases.bind(lease, number)
    assert second.rows() == [(0, number, "open"), (1, None, "open")]


def test_engines_that_close_at_once_reject_the_same_stray_once(database_url, monkeypatch):
    first, second = Engine(database_url, 1), Engine(database_url, 1)
    first.study.enqueue_trial({"x": 1.0}, user_attrs={"outside_search_space": {"y": 2}})
    assert first.finish(first.begin()[1])
    first.study.enqueue_trial({"x": 3.0}, user_attrs={"outside_search_space": {"y": 4}})
    stray = first.study.ask().number
    seen = [engine.leases.strays() for engine in (first, second)]
    assert seen == [[stray], [stray]]
    monkeypatch.setattr(SqlLeases, "strays", lambda self: [stray])  # both have looked
    first.leases.close()
    second.leases.close()
    last = first.study.trials
    assert [trial.state.name for trial in last] == ["COMPLETE", "FAIL", "WAITING"]
    assert last[stray].user_attrs["rejected"] == NEVER_BEGUN
    assert last[2].system_attrs["fixed_params"] == {"x": 3.0}
    assert last[2].user_attrs == {"outside_search_space": {"y": 4}}
    first.stop()
    second.stop()


def test_take_reopens_a_trial_whose_engine_died_before_telling_optuna(database_url):
    first, second = Engine(database_url, 1), Engine(database_url, 1)
    number = first.begin()[1]
    assert first.leases.finish(number, "complete")
    assert second.leases.take() is None  # it may still tell
    second.expire()
    assert second.leases.take() == Lease(0, number)
    assert second.finish(number)
    assert second.leases.is_complete()
    first.stop()
    second.stop()


def test_leases_do_not_outlive_a_study_that_was_deleted(engines, database_url):
    first, _ = engines
    first.begin()
    optuna.delete_study(study_name="shared", storage=first.study._storage)
    again = Engine(database_url, 1)
    assert again.begin() == (Lease(0, None), 0)
    again.stop()


def test_renewals_move_the_expiry_of_held_leases_only(database_url):
    idle, holder = Engine(database_url, 2), Engine(database_url, 2, renew=0.01)
    idle.begin()
    holder.begin()
    statement = text("SELECT expires FROM hpo_torch_leases ORDER BY slot")
    engine = holder.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        before = after = connection.scalars(statement).all()
        while after[1] == before[1]:  # pytest's time limit ends a wait for nothing
            after = connection.scalars(statement).all()
    assert after[1] > before[1]
    assert after[0] == before[0]
    holder.stop()
    idle.stop()


def test_take_reports_leases_that_cannot_be_renewed(database_url):
    engine = Engine(database_url, 1, renew=0.01)
    with engine.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE hpo_torch_leases RENAME TO hidden"))
    engine.leases._renewals._thread.join(timeout=30)
    with pytest.raises(StorageError, match=r"cannot be renewed: .*hpo_torch_leases.*by hand"):
        engine.leases.take()
    with engine.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO hpo_torch_leases"))
    engine.stop()
