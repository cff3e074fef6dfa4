"""`search.confirm` with a scripted backend: real files and storage, no training."""

from __future__ import annotations

import pytest
import yaml

from hpo_torch.results.confirmation import read_confirmation
from hpo_torch.results.event_log import read_events
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView
from hpo_torch.study.repetitions import StudyRunner
from hpo_torch.study.seeds import fresh_seed, trial_seed

# In the search trial 1 leads; on fresh seeds (two trials, three seeds each) trial 2 does.
SEARCH = [[0.5], [0.99], [0.95]]
FRESH = [[0.90], [0.92], [0.91], [0.93], [0.97], [0.95]]
WANTED = {"confirm": 2, "confirm_seeds": 3, "pruner": "none"}


@pytest.fixture
def confirmed(run_script):
    """Search and confirm; the two have their own scripts, as their trials have own numbers."""

    class TwoScripts(run_script.backend):
        def __init__(self, search, fresh, **words):
            super().__init__(search, **words)
            self.search, self.fresh = search, fresh

        def submit(self, job):
            self.script = self.fresh if job.study == "confirmation" else self.search
            super().submit(job)

    def go(fresh=FRESH, *, search=SEARCH, again=False, capacity=1, most_jobs=None, **settings):
        backend = TwoScripts(search, fresh, capacity=capacity)
        if most_jobs is not None:  # a clock that ticks once a job
            settings |= {"clock": lambda: float(len(backend.jobs)), "timeout": float(most_jobs)}
        return run_script(search, backend=backend, again=again, **{**WANTED, **settings})

    return go


def fresh_jobs(run):
    return [job for job in run.backend.jobs if job.study == "confirmation"]


def test_best_trials_are_trained_again_on_fresh_seeds(confirmed):
    run = confirmed()
    searched = {job.trial: job for job in run.backend.jobs if job.study == "run"}
    fresh = fresh_jobs(run)
    assert [job.hyperparameters for job in fresh] == [
        searched[trial].hyperparameters for trial in (1, 1, 1, 2, 2, 2)
    ]
    assert [job.seed for job in fresh] == [
        fresh_seed(1, trial, number) for trial in (1, 2) for number in (1, 2, 3)
    ]
    assert len({job.seed for job in run.backend.jobs}) == 9
    assert {job.split_seed for job in run.backend.jobs} == {1}


def test_fresh_seed_is_never_the_trials_own():
    assert fresh_seed(42, 7, 1) not in {trial_seed(42, 7), fresh_seed(42, 7, 2)}


def test_winner_is_the_best_on_fresh_seeds_and_its_median_training_is_kept(confirmed):
    run = confirmed()
    summary = run.summary
    assert (summary.best_trial, summary.best_score) == (2, 0.95)
    first, second = summary.confirmation.trials
    assert (first.trial, first.searched, first.searched_rank, first.scored) == (2, 0.95, 2, 3)
    assert first.mean == pytest.approx(0.95)
    assert second.mean == pytest.approx(0.91)
    # Repetition 5 (0.95) is the median of trial 2's.
    assert run.run.best_checkpoint.read_text() == "weights of trial 5"
    assert "median training" in (run.run.best_model_dir / "README.md").read_text()
    best = yaml.safe_load(run.run.best_hyperparameters.read_text())
    assert (best["trial"], best["confirmed"]["searched"]) == (2, 0.95)
    assert best["confirmed"]["mean"] == pytest.approx(0.95)
    view = RunView(run.run)
    assert (view.best.trial, view.best.seed) == (2, fresh_seed(1, 2, 3))
    assert view.is_complete


def test_search_and_confirmation_have_their_own_gap_free_logs(confirmed):
    run = confirmed()
    nested = read_events(run.run.path / "confirmation/events.jsonl")
    for events in (read_events(run.run.events), nested):
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert (events[0].kind, events[-1].kind) == ("study_started", "study_finished")
    assert (nested[0].purpose, nested[0].trials) == ("confirmation", 6)
    assert sum(run.summary.counts.values()) == 3


def test_repetitions_run_in_parallel(confirmed):
    run = confirmed(capacity=2)
    assert run.backend.most_in_flight == 2
    assert run.summary.confirmation.winner == 2


def test_failed_repetitions_leave_the_rest(confirmed):
    run = confirmed([*FRESH[:3], ["user_code"], [0.97], [0.95]])
    first = run.summary.confirmation.trials[0]
    assert (first.trial, first.scored, first.scores[0]) == (2, 2, None)
    # Of two middle ones the lower: 0.95.
    assert run.run.best_checkpoint.read_text() == "weights of trial 5"


def test_search_keeps_its_winner_where_no_repetition_completes(confirmed):
    run = confirmed([["user_code"]] * 6, max_failures=10)
    assert (run.summary.best_trial, run.summary.confirmation.winner) == (1, None)
    assert run.run.best_checkpoint.read_text() == "weights of trial 1"
    assert RunView(run.run).is_complete


def test_confirmation_that_was_killed_goes_on_and_repeats_nothing(confirmed, monkeypatch):
    uninterrupted = confirmed(name="whole").summary.confirmation
    ended = StudyRunner._end_attempt
    counts = {"ended": 0}

    def fatal(self, live, finished):
        counts["ended"] += live.job.study == "confirmation"
        if counts["ended"] == 4:
            raise SystemError("killed")
        ended(self, live, finished)

    with monkeypatch.context() as patch:
        patch.setattr(StudyRunner, "_end_attempt", fatal)
        with pytest.raises(SystemError, match="killed"):
            confirmed()
    resumed = confirmed(again=True)
    # Three were done; the fourth goes on from its state, the others are new.
    assert [job.trial for job in resumed.backend.jobs] == [3, 4, 5]
    assert resumed.summary.confirmation == uninterrupted
    assert resumed.run.best_checkpoint.read_text() == "weights of trial 5"


def test_process_killed_between_record_and_weights_is_completed(confirmed, monkeypatch):
    def fatal(self, *args):
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("hpo_torch.study.confirm.follow_confirmation", fatal)
        with pytest.raises(SystemError, match="killed"):
            confirmed()
    run = confirmed(again=True)
    assert run.backend.jobs == []
    assert run.run.best_checkpoint.read_text() == "weights of trial 5"


def test_confirmation_may_be_asked_for_afterwards(confirmed):
    before = confirmed(confirm=0)
    assert before.summary.confirmation is None
    assert RunView(before.run).satisfies(before.plan.config.search)
    after = confirmed(again=True)
    assert [job.study for job in after.backend.jobs] == ["confirmation"] * 6
    assert after.summary.best_trial == 2


def test_test_report_of_an_unchanged_winner_stays(confirmed):
    run = confirmed()
    run.run.test_report.write_text("scored once")
    confirmed(again=True)
    assert run.run.test_report.read_text() == "scored once"


def test_better_trial_found_later_is_confirmed_against_the_others(confirmed):
    confirmed()
    more = [*SEARCH, [0.999]]
    # Trials 3 and 1 lead now; 1 is confirmed already, 3's repetitions are new.
    run = confirmed([*FRESH, [0.80], [0.81], [0.82]], search=more, again=True, trials=4)
    assert [(job.study, job.trial) for job in run.backend.jobs] == [
        ("run", 3), ("confirmation", 6), ("confirmation", 7), ("confirmation", 8),
    ]  # fmt: skip
    assert [entry.trial for entry in run.summary.confirmation.trials] == [1, 3]
    # Repetition 2 (0.91) is the median of trial 1's.
    assert run.run.best_checkpoint.read_text() == "weights of trial 2"


def test_timeout_covers_the_confirmation_and_what_is_missing_is_done_later(confirmed):
    cut = confirmed(most_jobs=6)
    assert cut.summary.reason == "timeout"
    assert cut.summary.confirmation is None
    assert (cut.summary.best_trial, cut.run.best_checkpoint.read_text()) == (
        1, "weights of trial 1",
    )  # fmt: skip
    assert len(fresh_jobs(cut)) == 3
    assert not RunView(cut.run).is_complete
    assert confirmed(again=True).summary.confirmation.winner == 2


def test_no_trial_completed_means_nothing_to_confirm(confirmed):
    run = confirmed(search=[["user_code"]] * 3)
    assert run.error is not None
    assert read_confirmation(run.run.path) is None


def test_removed_weights_of_the_confirmed_trial_are_no_obstacle(confirmed):
    run = confirmed()
    weights = RunDirectory(run.run.path / "confirmation").weights(5)
    weights.unlink()
    run.run.test_report.write_text("scored once")
    again = confirmed(again=True)  # best_model/ has them
    assert (again.summary.best_trial, again.warnings) == (2, [])
    assert again.run.best_checkpoint.read_text() == "weights of trial 5"
    assert run.run.test_report.read_text() == "scored once"
    run.run.best_checkpoint.unlink()
    (warning,) = confirmed(again=True).warnings
    assert warning.startswith(f"the confirmed winner's weights are gone: {weights}; best_model/")
    assert "retrain" in warning


def test_process_killed_between_weights_and_readme_is_completed(confirmed):
    run = confirmed()
    readme = run.run.best_readme.read_text()
    run.run.best_readme.unlink()
    confirmed(again=True)
    assert run.run.best_readme.read_text() == readme


def test_weights_of_repetitions_stay(confirmed):
    run = confirmed()
    nested = RunDirectory(run.run.path / "confirmation")
    assert [nested.weights(number).read_text() for number in range(6)] == [
        f"weights of trial {number}" for number in range(6)
    ]
    assert not nested.best_model_dir.exists()
