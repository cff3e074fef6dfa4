from __future__ import annotations

from hpo_torch.results.summary import RunView
from hpo_torch.search.objectives import References
from hpo_torch.study.earlier_trial import circumstances_of, references_of, weights_of_training


def test_references_are_those_of_the_first_completed_trial_with_or_without_a_summary(run_script):
    run = run_script([[0.5, "user_code"], [0.6, 0.7], [0.8]])
    # The second trial's two epochs take a second each; see `measured`.
    expected = References(training_seconds=2.0, memory_bytes=1000, inference_seconds=0.001)
    assert references_of(RunView(run.run)) == expected
    run.run.drop_summary()
    assert references_of(RunView(run.run)) == expected


def test_circumstances_are_of_the_trials_worker(run_script):
    run = run_script([[0.5]], execution={"jobs": 2})
    then = circumstances_of(RunView(run.run), 0)
    assert (then.device, then.precision, then.jobs) == ("cpu", "32-true", 2)
    assert then.environment.devices == ["cpu"]


def test_weights_are_known_of_the_best_training_only(run_script):
    run = run_script([[0.5], [0.9]])
    view = RunView(run.run)
    seed = view.trials[1].seed
    assert weights_of_training(view, 1, seed) == run.run.best_checkpoint
    assert weights_of_training(view, 1, seed + 1) is None
    assert weights_of_training(view, 0, view.trials[0].seed) is None
