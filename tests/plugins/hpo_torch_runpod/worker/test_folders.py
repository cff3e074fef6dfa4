from __future__ import annotations

import os
import time

import pytest

from hpo_torch.errors import UsageError
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.worker.folders import KEPT_SECONDS, Folders, worker_folders


def test_volume_is_used_where_there_is_one(tmp_path):
    with worker_folders({"HPO_TORCH_VOLUME": str(tmp_path)}) as folders:
        assert folders.shared
        assert folders.data == tmp_path / "hpo-torch" / "data"
        assert folders.claims == tmp_path / "hpo-torch" / "claims"
    assert (tmp_path / "hpo-torch").is_dir()
    assert list((tmp_path / "hpo-torch").iterdir()) == []


def test_temporary_folder_is_used_where_there_is_no_volume():
    with worker_folders({}) as folders:
        root = folders.data.parent
        assert (folders.shared, folders.claims) == (False, None)
        assert root.is_dir()
    assert not root.exists()


def test_temporary_folder_is_used_where_the_volume_cannot_be_written(tmp_path, caplog):
    (tmp_path / "hpo-torch").write_text("a file")
    with worker_folders({"HPO_TORCH_VOLUME": str(tmp_path)}) as folders:
        assert not folders.shared
    assert "cannot be written, and will not be used" in caplog.text


@pytest.mark.parametrize("variable", ["HPO_TORCH_VOLUME", "HPO_TORCH_WORKER_DATA"])
def test_folder_that_is_named_must_be_there(tmp_path, variable):
    absent = str(tmp_path / "absent")
    with (
        pytest.raises(UsageError, match=f"{variable}: expected a folder"),
        worker_folders({variable: absent}),
    ):
        pass


def test_trial_has_the_same_folder_in_each_attempt(folders):
    with folders.work(fake_job(1, attempt="first")) as first:
        (first / "state").touch()
    with folders.work(fake_job(1, attempt="second")) as second:
        assert (second / "state").exists()
    folders.forget(fake_job(1, attempt="second"))
    assert not first.exists()
    assert not first.parent.exists()


def test_trials_that_differ_have_different_folders(folders):
    job = fake_job(1)
    others = [
        fake_job(2),
        job.model_copy(update={"seed": 1}),
        job.model_copy(update={"study": "other"}),
        job.model_copy(update={"hyperparameters": {"epochs": 3}}),
    ]
    paths = set()
    for each in [job, *others]:
        with folders.work(each) as folder:
            paths.add(folder)
    assert len(paths) == 5


def test_temporary_folder_of_a_trial_is_removed(tmp_path):
    with Folders(tmp_path, shared=False).work(fake_job(1)) as folder:
        (folder / "state").touch()
    assert not folder.exists()


@pytest.mark.parametrize("study", ["..", "../..", "/etc", "", "a/b", "a" * 500])
def test_study_is_never_a_path(tmp_path, study):
    job = fake_job(1).model_copy(update={"study": study})
    with Folders(tmp_path, shared=True).work(job) as folder:
        assert folder.parent.parent == tmp_path / "work"
        assert folder.resolve() == folder


def test_only_old_trials_are_removed(folders):
    with folders.work(fake_job(1)) as old, folders.work(fake_job(2)) as new:
        past = time.time() - KEPT_SECONDS - 60
        os.utime(old, (past, past))
        folders.remove_old()
        assert (old.exists(), new.exists()) == (False, True)


def test_trial_that_another_worker_removes_meanwhile_is_no_error(folders):
    with folders.work(fake_job(1)) as folder:
        (folder.parent / "gone").symlink_to(folder / "absent")  # listed, and not there
        folders.remove_old()
        assert folder.exists()
