"""A run that was on rented hardware goes on elsewhere: what may still run there is said."""

from __future__ import annotations

from scripted_backend import end_at_once


def test_jobs_left_on_rented_hardware_are_warned_of_where_a_run_goes_on_elsewhere(run_script):
    script = [[0.5], [0.5] * 9, [0.6] * 9]
    cloud = {"place": "cloud", "remote": True}
    first = run_script(script, capacity=2, on_poll=end_at_once, **cloud)
    assert first.states == {0: "complete"}
    first.run.path.joinpath("backend").mkdir()
    found = run_script.backend(script, capacity=2, on_poll=end_at_once)
    found.can_reattach = True
    assert run_script(script, backend=found, again=True, **cloud).warnings == []
    (warning,) = run_script(script, on_poll=end_at_once, again=True).warnings
    assert warning.startswith(
        "jobs of trials 1, 2 may still run with backend 'cloud', and cost, while the run goes on "
        "with 'scripted'"
    )
    assert run_script(script, again=True).warnings == []  # they are those of 'scripted' now


def test_trial_that_was_stopped_with_its_study_has_left_no_job(run_script):
    script = [[0.5, 0.6, 0.7, 0.8]]
    first = run_script(script, interrupts=(2,), place="cloud", remote=True)
    first.run.path.joinpath("backend").mkdir()
    assert run_script(script, again=True).warnings == []
