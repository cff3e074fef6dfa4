from __future__ import annotations

import pytest

from hpo_torch.study import storage
from hpo_torch.study.storage import is_begun


def test_study_whose_making_failed_is_made_whole_later(run_script, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(storage, "enqueue", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_script([[0.5], [0.6]])
    done = run_script([[0.5], [0.6]], again=True)
    assert is_begun(done.run)
    assert done.states == {0: "complete", 1: "complete"}
    assert done.backend.jobs[0].hyperparameters == done.plan.defaults


def test_notes_come_after_the_study_is_written(run_script, monkeypatch):
    from hpo_torch.study import session

    begun = []
    real = session.open_study

    def heard(opened, plan, run, note):
        return real(opened, plan, run, lambda line: begun.append((line, is_begun(run))))

    monkeypatch.setattr(session, "open_study", heard)
    monkeypatch.setattr(storage, "search_notes", lambda plan: ["a note"])
    run_script([[0.5]])
    assert begun == [("a note", True)]
