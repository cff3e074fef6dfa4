"""What trials on rented hardware cost: every attempt counts, and once."""

from __future__ import annotations

from rented_usage import USAGE, survived
from scripted_backend import end_at_once

from hpo_torch.protocol.usage import Cost


def test_every_attempt_counts_whichever_process_heard_its_end(run_script):
    script = [[0.5, "worker_died", 0.6, 0.7, 0.8]]
    backend = run_script.backend(script, interrupts=(4,))
    backend.usage = USAGE
    first = run_script(script, backend=backend)
    assert first.summary.cost == Cost(lower=0.5, upper=2.0)  # one lost its worker, one was paused
    again = survived(run_script, script)
    again.usage = USAGE.model_copy(update={"job": "j-2"})
    run = run_script(script, backend=again, again=True)
    (result,) = run.results
    assert [usage.job for usage in result.usage] == ["j-1", "j-1", "j-2"]
    assert run.summary.cost == Cost(lower=0.75, upper=3.0)
    assert run.events[-1].cost == run.summary.cost
    result_file = run.run.trial_dir(0) / "result.json"
    result_file.unlink()
    rebuilt = run_script(script, again=True).results[0]
    assert (rebuilt.usage, rebuilt.worker, rebuilt.device) == (result.usage, "w", "cpu")


def test_an_attempt_whose_end_nobody_heard_counts_once(run_script):
    """Ctrl-C twice: the job is cancelled when the loop is over, and has cost all the same."""
    script = [[0.5, 0.6, 0.7], [0.8]]
    backend = run_script.backend(script, on_poll=end_at_once)
    cancelled = USAGE.model_copy(update={"cost_lower": 0.5, "cost_upper": 2.0})
    backend.close = lambda: backend.settled.update({backend.jobs[0].attempt: cancelled})
    first = run_script(script, backend=backend)
    assert first.summary.cost == first.events[-1].cost == Cost(lower=0.5, upper=2.0)
    (settled,) = [event for event in first.events if event.kind == "attempt_settled"]
    assert (settled.trial, settled.attempt) == (0, backend.jobs[0].attempt)

    again = run_script.backend(script)
    again.settled, again.usage = dict(backend.settled), USAGE
    run = run_script(script, backend=again, again=True)
    assert [event for event in run.events if event.kind == "attempt_settled"] == []
    assert run.results[0].attempts == 2
    assert run.results[0].usage == [cancelled, USAGE]
    assert run.summary.cost == Cost(lower=1.0, upper=4.0)


def test_an_attempt_of_a_killed_process_counts_once_its_job_is_settled(run_script):
    script = [[0.5, 0.6, 0.7]]
    first = run_script(script, on_poll=end_at_once)
    lost = first.backend.jobs[0].attempt
    again = run_script.backend(script)
    found = USAGE.model_copy(update={"job": "lost"})
    again.reattach = lambda job: again.settled.update({job.attempt: found})  # it is not found
    again.usage = USAGE
    run = run_script(script, backend=again, again=True)
    (settled,) = [event for event in run.events if event.kind == "attempt_settled"]
    assert (settled.attempt, settled.usage) == (lost, found)
    assert [usage.job for usage in run.results[0].usage] == ["lost", "j-1"]
    assert run.summary.cost == Cost(lower=0.5, upper=2.0)


def test_what_is_settled_later_replaces_what_was_told(run_script):
    script = [[0.5, "worker_died", 0.6]]
    backend = run_script.backend(script)
    backend.usage = USAGE
    exact = USAGE.model_copy(update={"cost_lower": 0.125, "cost_upper": 0.5})

    def settle(poll):
        if poll == 2:
            backend.settled[backend.jobs[0].attempt] = exact

    backend.on_poll = settle
    run = run_script(script, backend=backend)
    assert run.results[0].usage == [exact, USAGE]
    assert run.summary.cost == Cost(lower=0.375, upper=1.5)


def test_a_result_made_anew_has_what_nobody_heard(run_script):
    script = [[0.5, 0.6, 0.7]]
    backend = run_script.backend(script, on_poll=end_at_once)
    backend.close = lambda: backend.settled.update({backend.jobs[0].attempt: USAGE})
    run_script(script, backend=backend)
    run = run_script(script, again=True)  # where nothing is known of rented hardware
    assert run.results[0].usage == [USAGE]
    (run.run.trial_dir(0) / "result.json").unlink()
    assert run_script(script, again=True).results[0].usage == [USAGE]


def test_confirmation_counts_too(run_script):
    script = [[0.5], [0.6]]
    backend = run_script.backend(script)
    backend.usage = USAGE
    run = run_script(script, backend=backend, confirm=1, confirm_seeds=2)
    assert run.summary.cost == Cost(lower=1.0, upper=4.0)


def test_own_hardware_costs_nothing(run_script):
    run = run_script([[0.5]])
    assert (run.summary.cost, run.results[0].usage) == (None, [])
    assert (run.results[0].worker, run.results[0].device) == ("w", "cpu")
