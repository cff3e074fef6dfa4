from __future__ import annotations

import pytest

from hpo_torch.errors import OutputError, RunInUseError, UnknownNameError
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.run_removal import loss_of, remove_run


def test_loss_counts_trials_files_and_bytes(run, make_trial):
    run.write_trial(make_trial(0))
    run.write_trial(make_trial(1))
    run.best_model_dir.mkdir()
    run.best_checkpoint.write_bytes(b"x" * 1000)
    loss_of(run.path)  # leaves the lock file, which counts
    sizes = [path.stat().st_size for path in run.path.rglob("*") if path.is_file()]
    loss = loss_of(run.path)
    assert (loss.trials, loss.best_model, loss.files) == (2, True, len(sizes) + 1)
    assert loss.size >= sum(sizes)


def test_removed_run_is_gone_and_its_neighbour_stays(run):
    neighbour = run.path.parent / "other"
    neighbour.mkdir()
    remove_run(run.path)
    assert not run.path.exists()
    assert neighbour.exists()


def test_run_in_use_is_refused(run):
    with run_lock(run.path):
        with pytest.raises(RunInUseError):
            loss_of(run.path)
        with pytest.raises(RunInUseError):
            remove_run(run.path)
    assert run.config.exists()


def test_run_whose_trial_is_trained_again_is_refused(run):
    again = run.retrained_dir / "trial-0000"
    again.mkdir(parents=True)
    with run_lock(again), pytest.raises(RunInUseError, match="trial-0000"):
        remove_run(run.path)
    assert run.config.exists()


def test_folders_that_are_no_runs_are_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(OutputError, match="is no run"):
        loss_of(tmp_path / "photos")
    with pytest.raises(UnknownNameError):
        loss_of(tmp_path / "absent")
    assert (tmp_path / "photos").exists()


def test_damaged_run_can_be_removed(run):
    run.config.write_text("not: [settings")
    assert loss_of(run.path).trials == 0
    remove_run(run.path)
    assert not run.path.exists()


def test_link_to_a_run_is_refused(run, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(run.path)
    with pytest.raises(OutputError, match="is a link"):
        loss_of(link)
