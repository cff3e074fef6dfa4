from __future__ import annotations

from types import SimpleNamespace

from hpo_torch.protocol.events import TrainingFinished
from hpo_torch.study.verdict import UNMEASURED, judge

LIVE = SimpleNamespace(pruned=False, stop_reason="")
COMPLETED = TrainingFinished(trial=0, attempt="a", outcome="completed")


def test_completed_trial_whose_objective_is_unknown_says_so():
    verdict = judge(LIVE, COMPLETED, None)
    assert (verdict.state, verdict.score, verdict.message) == ("complete", 0.0, UNMEASURED)


def test_completed_trial_has_its_score_and_no_message():
    verdict = judge(LIVE, COMPLETED, 0.0)
    assert (verdict.state, verdict.score, verdict.message) == ("complete", 0.0, "")


def test_trial_that_was_stopped_for_its_health_keeps_its_score_and_says_why():
    stopped = COMPLETED.model_copy(update={"message": "stopped for its health: all dead"})
    verdict = judge(LIVE, stopped, 0.2)
    assert (verdict.state, verdict.score, verdict.message) == ("complete", 0.2, stopped.message)
    assert judge(LIVE, stopped, None).message == f"{stopped.message}; {UNMEASURED}"
