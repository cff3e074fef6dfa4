from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.attempts import Attempt, Attempts
from hpo_torch.results.records import TestReport
from hpo_torch.results.run_comparison import alike, compare_runs, differing
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.score_progress import score_progress
from hpo_torch.results.summary import RunView

START = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


@pytest.fixture
def make_run(tmp_path, make_trial):
    def make(name, correct=90, hyperparameters=None, **search):
        run = RunDirectory.create(tmp_path, name)
        run.write_config(RunConfig.model_validate({"search": search}))
        changes = {} if hyperparameters is None else {"hyperparameters": hyperparameters}
        run.write_trial(make_trial(0, score=0.7, **changes))
        wrong = 100 - correct
        report = TestReport.from_confusion([[correct, wrong], [0, 0]], ["a", "b"], 0.3)
        run.write_test_report(report)
        return RunView(run)

    return make


def test_only_what_differs_is_listed_and_where_a_run_lies_is_not(make_run):
    one = make_run("one", hyperparameters={"filters": 8, "activation": "relu"})
    other = make_run("two", seed=7, hyperparameters={"activation": "relu", "units": 64})
    comparison = compare_runs([one, other])
    assert comparison.settings == {"search.seed": [42, 7]}
    assert comparison.hyperparameters == {"filters": [8, None], "units": [None, 64]}


def test_figures_are_the_winners_own(make_run):
    (run,) = compare_runs([make_run("one")]).runs
    assert (run.score, run.val_accuracy, run.overall_health) == (0.7, 0.75, 0.9)
    assert (run.parameters, run.test_accuracy) == (1234, 0.9)
    # Wilson's interval of 90 of 100, from the formula: 0.8256 to 0.9448.
    assert run.test_interval == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert run.health_weight == 0.3
    assert not run.finished


def test_remarks_warn_of_what_does_not_compare(make_run):
    same = compare_runs([make_run("a", 90), make_run("b", 91)]).remarks
    assert any("overlap" in remark for remark in same)
    assert not any("different" in remark for remark in same)
    other = compare_runs([make_run("c", 50), make_run("d", 95, mode="simple")]).remarks
    assert not any("overlap" in remark for remark in other)
    assert any("scores are of different things" in remark for remark in other)


def test_each_pair_of_runs_whose_intervals_overlap_is_named(make_run):
    # Of 100 examples: 0.40 to 0.60, 0.63 to 0.80, 0.71 to 0.87, 0.83 to 0.94.
    runs = [make_run(str(correct), correct) for correct in (50, 72, 80, 90)]
    (remark, _) = compare_runs(runs).remarks
    assert remark == (
        "the intervals of the test accuracies overlap (72 and 80; 80 and 90): "
        "a difference may be chance"
    )


def test_of_very_many_pairs_some_are_named(make_run):
    (remark, _) = compare_runs([make_run(f"run {number}") for number in range(6)]).remarks
    assert "(run 0 and run 1; run 0 and run 2; " in remark
    assert "; run 2 and run 3; and 5 more): " in remark  # of 15 pairs


def test_runs_of_different_data_sets_do_not_compare(make_run):
    one, other = make_run("a"), make_run("b")
    other.config = RunConfig.model_validate({"data": {"dataset": "mnist"}})
    assert compare_runs([one, other]).remarks == [
        "the runs are of different data sets: neither scores nor accuracies compare"
    ]


@pytest.mark.parametrize(
    ("ours", "others", "same"),
    [
        ({"path": "a"}, {"path": "b"}, False),
        ({"path": "a"}, {"path": "./x/../a"}, True),
        ({"path": "~/a"}, {"path": "~/x/../a"}, True),
        ({"path": "a", "label_column": "y"}, {"path": "a", "label_column": "z"}, False),
        ({"path": "a", "text_column": "t"}, {"path": "a"}, False),
        ({"path": "a", "image_size": 32}, {"path": "a", "image_size": 64}, False),
        ({"dir": "a", "download": False}, {"dir": "b"}, True),
    ],
)
def test_own_data_is_the_same_where_it_lies_in_one_place_and_is_read_in_one_way(
    make_run, ours, others, same
):
    views = make_run("a"), make_run("b")
    for view, data in zip(views, (ours, others), strict=True):
        view.config = RunConfig.model_validate({"data": {"dataset": "images", **data}})
    comparison = compare_runs(views)
    assert alike(comparison.runs) is same
    assert ("the runs are of different data sets" in comparison.remarks[0]) is not same


def test_a_run_without_a_trial_has_figures_too(tmp_path):
    run = RunDirectory.create(tmp_path, "empty")
    run.write_config(RunConfig())
    (figures,) = compare_runs([RunView(run)]).runs
    assert (figures.score, figures.test_accuracy, figures.progress) == (None, None, [])
    assert figures.seconds == 0


def test_equal_values_are_left_out_and_absent_ones_are_none():
    assert differing([{"a": 1}, {"a": 1}]) == {}
    assert differing([{"a": [1]}, {}]) == {"a": [[1], None]}


def test_progress_counts_every_end_and_begins_with_the_first_completed_trial(make_trial):
    trials = [
        make_trial(0, "failed", None),
        make_trial(1, score=0.4),
        make_trial(2, "pruned", 0.9),
        make_trial(3, score=0.6),
        make_trial(4, score=0.5),
    ]
    attempts = [
        Attempt(t.trial, t.attempt, "w", at(0), at(10 * (t.trial + 1)), t.state) for t in trials
    ]
    points = score_progress(trials, Attempts(attempts, [(at(0), at(60))]))
    assert [(point.ended, point.seconds, point.best) for point in points] == [
        (2, 20, 0.4),
        (3, 30, 0.4),
        (4, 40, 0.6),
        (5, 50, 0.6),
    ]
