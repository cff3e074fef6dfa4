from __future__ import annotations

from pathlib import Path

import pytest

from hpo_torch_runpod.worker.claims import Claims
from hpo_torch_runpod.worker.folders import Folders
from hpo_torch_runpod.worker.handler import Handler
from hpo_torch_runpod.worker.job_run import Workplace


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path / "volume" / "hpo-torch", shared=True)


@pytest.fixture
def handler(folders):
    return Handler(Workplace("pod-1", folders, Claims(folders.claims)))


@pytest.fixture
def stand_ins(monkeypatch):
    """Training functions of this folder, for the worker to resolve."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import training_stand_ins

    training_stand_ins.reset()
    return training_stand_ins
