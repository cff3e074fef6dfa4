from __future__ import annotations


def test_study_without_a_completed_trial_says_why_in_one_message(run_script):
    run = run_script([["user_code"], [0.5, "data"]], max_failures=5)
    message = str(run.error)
    assert run.error.exit_code == 7
    assert "no trial completed (all trials done; 2 failed, 0 pruned, 0 not finished)" in message
    assert "Reasons: on purpose." in message
    assert f"hpo-torch resume {run.run.path}" in message
    # All that is known is on disk nevertheless.
    assert run.summary.counts["failed"] == 2
    assert run.summary.best_trial is None
