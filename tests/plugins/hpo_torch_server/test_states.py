from __future__ import annotations

import pytest

from hpo_torch_server.states import ACTIVE, ALLOWED, ENDED, RESTING, JobState, check


def test_every_state_is_reached_and_left_as_said():
    reached = {JobState.QUEUED}
    while not reached >= (more := {new for old in reached for new in ALLOWED[old]}):
        reached |= more
    assert reached == set(JobState) == set(ALLOWED)
    assert {state for state in JobState if not ALLOWED[state]} == {JobState.COMPLETED}


def test_states_are_active_resting_or_queued():
    assert sorted([*ACTIVE, *RESTING, JobState.QUEUED]) == sorted(JobState)
    assert {JobState.PAUSED} == RESTING - ENDED


@pytest.mark.parametrize(
    ("old", "new"),
    [("queued", "running"), ("completed", "queued"), ("running", "paused"), ("stopped", "running")],
)
def test_steps_that_are_not_allowed_are_refused(old, new):
    with pytest.raises(ValueError, match=f"a {old} job cannot become {new}"):
        check(JobState(old), JobState(new))
