"""What resuming may change of a run, and what would make another study of it."""

from __future__ import annotations

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import UsageError
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.audience import Audience
from hpo_torch.study.resume import changed, check_same_study, resume


@pytest.fixture
def run(tmp_path):
    begun = RunDirectory.create(tmp_path, "begun")
    begun.write_config(RunConfig.model_validate({"search": {"fix": {"activation": "relu"}}}))
    return begun


def test_another_study_is_refused_and_nothing_is_written(run, registry):
    before = run.config.read_bytes()
    with pytest.raises(UsageError) as told:
        resume(
            run.path,
            {"data.dataset": "mnist", "search.mode": "pareto", "search.seed": 7},
            registry,
            Audience(),
        )
    assert str(told.value) == (
        "resume: data.dataset is 'digits' in this run, got 'mnist'; "
        "search.mode is 'health' in this run, got 'pareto'; "
        "search.seed is 42 in this run, got 7. Begin a new run for that."
    )
    assert run.config.read_bytes() == before
    assert not run.events.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search.fix.filters": 8}, "search.fix.filters is not set in this run, got 8"),
        ({"search.max_epochs": 50}, "search.max_epochs is 20 in this run, got 50"),
        ({"training.patience": 9}, "training.patience is 5 in this run, got 9"),
        ({"health.combine": "min"}, "health.combine is 'geometric' in this run, got 'min'"),
    ],
)
def test_each_part_of_a_study_stays_as_it_was(run, changes, message):
    with pytest.raises(UsageError, match=message):
        check_same_study(changed(run, {}), changed(run, changes))


def test_how_long_where_and_with_what_at_the_end_may_change(run):
    changes = {
        "search.trials": 100,
        "search.timeout": 60,
        "search.trial_timeout": 9,
        "search.confirm": 3,
        "search.confirm_seeds": 2,
        "execution.jobs": 2,
        "execution.device": "cpu",
        "data.dir": "elsewhere",
        "output.plots": "none",
        "search.seed": 42,  # as it is
    }
    check_same_study(changed(run, {}), changed(run, changes))
