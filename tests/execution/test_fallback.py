from __future__ import annotations

import pytest

from hpo_torch.errors import UnknownNameError, UsageError
from hpo_torch.execution.backend import RunSite
from hpo_torch.execution.fallback import FallbackBackend
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch.testing.fake_training import fake_job

NAMES = ("cloud", "local")


class Place:
    """A backend whose jobs do nothing but what a test tells them."""

    def __init__(self, capacity=2, start_error=None):
        self.capacity, self.refusal, self.settled = capacity, "", {}
        self.jobs, self.stopped, self.killed, self.events = {}, [], [], []
        self.site, self.closed, self.start_error = None, 0, start_error

    def start(self, site):
        if self.start_error is not None:
            raise self.start_error
        self.site = site

    def submit(self, job):
        assert len(self.jobs) < self.capacity
        self.jobs[job.trial] = job

    def poll(self, timeout):
        events, self.events = self.events, []
        return events

    def stop(self, trial):
        self.stopped.append(trial)

    def kill(self, trial):
        self.killed.append(trial)

    def reattach(self, job):
        return False

    def close(self):
        self.closed += 1

    def end(self, trial, outcome="completed", kind=None, message=""):
        job = self.jobs.pop(trial)
        words = {"outcome": outcome, "failure_kind": kind, "message": message}
        self.events.append(TrainingFinished(trial=trial, attempt=job.attempt, **words))

    def breaks(self, trial, message="no worker"):
        self.end(trial, "failed", "backend", message)


@pytest.fixture
def pair(tmp_path):
    """Return a primary, a secondary and the started backend over both, which keeps warnings."""

    def make(primary=None, secondary=None, error=None):
        primary, secondary = primary or Place(), secondary or Place()

        def make_secondary():
            if error is not None:
                raise error
            return secondary

        backend = FallbackBackend(primary, make_secondary, NAMES)
        backend.warnings = []
        backend.start(RunSite(folder=tmp_path, warn=backend.warnings.append))
        return primary, secondary, backend

    return make


def ends(events):
    return [(event.trial, event.outcome, event.failure_kind) for event in events]


def moving(events):
    return [event.trial for event in events if event.moves_on]


def test_trial_of_a_failed_place_moves_on_and_the_next_job_goes_elsewhere(pair):
    primary, secondary, backend = pair()
    backend.submit(fake_job(0))
    primary.breaks(0)
    (event,) = backend.poll(1.0)
    assert ends([event]) == [(0, "failed", "backend")]
    assert (event.message, event.moves_on) == ("no worker", True)
    backend.submit(fake_job(0, attempt="again"))
    assert (list(primary.jobs), list(secondary.jobs)) == ([], [0])
    assert secondary.site is not None
    assert backend.used == NAMES
    assert backend.warnings == ["cloud: no worker; from now on trials run with backend 'local'"]


def test_other_failures_are_the_trials_own(pair):
    primary, _, backend = pair()
    backend.submit(fake_job(0))
    primary.end(0, "failed", "user_code")
    assert ends(backend.poll(1.0)) == [(0, "failed", "user_code")]
    assert (backend.refusal, backend.warnings, backend.used) == ("", [], ("cloud",))


def test_what_attempts_used_is_known_of_both(pair):
    primary, secondary, backend = pair()
    primary.settled = {"a": "there"}
    assert backend.settled == {"a": "there"}
    backend.submit(fake_job(0))
    primary.breaks(0)
    backend.poll(1.0)
    secondary.settled = {"b": "here"}
    assert backend.settled == {"a": "there", "b": "here"}


def test_jobs_in_flight_on_the_failed_place_go_on_there(pair):
    primary, secondary, backend = pair()
    backend.submit(fake_job(0))
    backend.submit(fake_job(1))
    primary.breaks(0)
    backend.poll(1.0)
    assert backend.capacity == 1 + 2  # what still runs there, and the room elsewhere
    backend.submit(fake_job(2))
    primary.end(1)
    secondary.end(2)
    assert sorted(ends(backend.poll(1.0))) == [(1, "completed", None), (2, "completed", None)]
    assert backend.capacity == 2


def test_every_job_of_the_failed_place_moves_on_with_one_warning(pair):
    primary, _, backend = pair()
    backend.submit(fake_job(0))
    backend.submit(fake_job(1))
    primary.breaks(0)
    primary.breaks(1)
    assert moving(backend.poll(1.0)) == [0, 1]
    assert len(backend.warnings) == 1


def test_stop_and_kill_reach_a_trial_wherever_it_runs(pair):
    primary, secondary, backend = pair()
    backend.submit(fake_job(0))
    backend.submit(fake_job(1))
    primary.breaks(0)
    backend.poll(1.0)
    backend.submit(fake_job(2))
    for trial in (1, 2, 9):
        backend.stop(trial)
        backend.kill(trial)
    assert (primary.stopped, primary.killed) == ([1], [1])
    assert (secondary.stopped, secondary.killed) == ([2], [2])


def test_retries_that_find_no_room_wait_for_it(pair):
    primary, secondary, backend = pair(Place(capacity=3), Place(capacity=1))
    for trial in range(3):
        backend.submit(fake_job(trial))
    for trial in range(3):
        primary.breaks(trial)
    backend.poll(1.0)
    for trial in range(3):  # a study tries each again at once
        backend.submit(fake_job(trial, attempt="again"))
    assert list(secondary.jobs) == [0]
    secondary.end(0)
    assert ends(backend.poll(1.0)) == [(0, "completed", None)]
    backend.poll(0.0)
    assert list(secondary.jobs) == [1]


def test_waiting_trial_can_be_stopped_and_killed(pair):
    primary, secondary, backend = pair(secondary=Place(capacity=1))
    primary.refusal = "the money is used up"
    for trial in range(3):
        backend.submit(fake_job(trial))
    backend.stop(1)
    backend.kill(2)
    assert ends(backend.poll(1.0)) == [(1, "stopped", None), (2, "failed", "worker_died")]
    assert (list(secondary.jobs), secondary.stopped, secondary.killed) == ([0], [], [])


def test_refusal_of_the_first_is_none_while_the_second_takes_jobs(pair):
    primary, secondary, backend = pair()
    primary.refusal = "the money is used up"
    assert backend.refusal == ""
    backend.submit(fake_job(0))
    assert list(secondary.jobs) == [0]
    assert backend.warnings[0].startswith("cloud: the money is used up; ")
    secondary.refusal = "no room"
    assert backend.refusal == "no room"


def test_place_without_room_for_what_it_refuses_leaves_room_for_the_other(pair):
    primary, secondary, backend = pair()
    backend.submit(fake_job(0))
    primary.refusal, primary.capacity = "the money is used up", 1  # none beside what is in flight
    assert backend.capacity == 2
    primary.end(0)
    backend.poll(1.0)
    primary.capacity = 0
    assert backend.capacity == 1
    backend.submit(fake_job(1))
    assert (list(secondary.jobs), backend.capacity) == ([1], 2)


def test_refusal_without_another_job_changes_nothing(pair):
    primary, _, backend = pair(error=AssertionError("made"))
    backend.submit(fake_job(0))
    primary.refusal = "the money is used up"
    primary.end(0)
    assert ends(backend.poll(1.0)) == [(0, "completed", None)]
    assert (backend.poll(0.0), backend.warnings) == ([], [])


def test_place_that_cannot_start_gets_no_jobs(pair):
    primary, secondary, backend = pair(Place(start_error=UsageError("no endpoint")))
    backend.submit(fake_job(0))
    assert (list(primary.jobs), list(secondary.jobs)) == ([], [0])


def test_earlier_jobs_of_a_place_that_cannot_start_are_warned_of_once(pair):
    _, _, backend = pair(Place(start_error=UsageError("no endpoint")))
    del backend.warnings[:]
    assert [backend.reattach(fake_job(trial)) for trial in (0, 1)] == [False, False]
    assert backend.warnings == ["cloud: jobs of an earlier process may still run there, and cost"]


def test_failed_second_place_has_no_other_behind_it(pair):
    primary, secondary, backend = pair()
    backend.submit(fake_job(0))
    primary.breaks(0)
    backend.poll(1.0)
    backend.submit(fake_job(0, attempt="again"))
    secondary.breaks(0, "disk full")
    (event,) = backend.poll(1.0)
    assert (ends([event]), event.moves_on) == ([(0, "failed", "backend")], False)


def test_wrong_setting_is_not_worked_around(pair):
    typo = UnknownNameError("GPU tier", "AMPRE_16", ["AMPERE_16"])
    with pytest.raises(UnknownNameError, match="Did you mean 'AMPERE_16'"):
        pair(Place(start_error=typo))


def test_second_place_that_is_none_either_refuses_all(pair):
    primary, _, backend = pair(error=UsageError("no CUDA"))
    backend.submit(fake_job(0))
    primary.breaks(0)
    (event,) = backend.poll(1.0)
    assert (ends([event]), event.moves_on) == ([(0, "failed", "backend")], False)
    why = "cloud: no worker; backend 'local' cannot take over: no CUDA"
    assert (event.message, backend.refusal, backend.warnings) == (why, why, [])


def test_job_that_nobody_takes_has_failed(pair):
    primary, _, backend = pair(secondary=Place(start_error=UsageError("no room")))
    primary.refusal = "the money is used up"
    backend.submit(fake_job(0))
    assert ends(backend.poll(1.0)) == [(0, "failed", "backend")]
    assert backend.refusal == "no room"


def test_second_place_is_not_made_before_it_is_needed(pair):
    primary, _, backend = pair(error=AssertionError("made"))
    backend.submit(fake_job(0))
    primary.end(0)
    backend.poll(0.0)
    backend.close()
    assert primary.closed == 1


def test_both_are_closed(pair):
    primary, secondary, backend = pair()
    primary.refusal = "the money is used up"
    backend.submit(fake_job(0))
    backend.close()
    assert (primary.closed, secondary.closed) == (1, 1)
