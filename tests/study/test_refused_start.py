"""A backend that refuses to start: nothing is lost, and nothing begun."""

from __future__ import annotations

import pytest
from scripted_backend import ScriptedBackend

from hpo_torch.config.schema import OutputSettings
from hpo_torch.data.requests import data_request
from hpo_torch.errors import UsageError
from hpo_torch.execution.select import Selection
from hpo_torch.hooks.records import BackendSpec
from hpo_torch.study import optimize as optimize_module
from hpo_torch.study import resume as resume_module
from hpo_torch.study.audience import Audience
from hpo_torch.study.optimize import optimize
from hpo_torch.study.plan import plan_study, with_data_defaults
from hpo_torch.study.resume import resume

SPEC = BackendSpec(name="scripted", target="json:dumps", summary="made up", where="here")


class Refused(ScriptedBackend):
    closed = False

    def start(self, site):
        raise UsageError("no such endpoint")

    def close(self):
        self.closed = True


@pytest.fixture
def prepare(monkeypatch):
    """Have settings mean a backend that refuses to start."""

    def prepared(config, registry, audience, *, begun=False):
        config = with_data_defaults(config, registry)
        plan = plan_study(config, registry, data_request(config.data), begun=begun)
        return plan, Selection(SPEC, "asked for"), Refused([])

    for module in (optimize_module, resume_module):
        monkeypatch.setattr(module, "prepare", prepared)


def test_start_that_is_refused_leaves_a_run_as_it_is(run_script):
    script = [[0.5], [0.6, 0.7, 0.8]]
    first = run_script(script, interrupts=(2,))
    left = first.run.config, first.run.summary, first.run.events
    before = [path.read_bytes() for path in left]

    backend = Refused(script)
    with pytest.raises(UsageError, match="no such endpoint"):
        run_script(script, backend=backend, again=True)
    assert ([path.read_bytes() for path in left], backend.closed) == (before, True)


@pytest.mark.usefixtures("prepare")
def test_changes_of_a_refused_start_are_not_kept(run_script, registry):
    run = run_script([[0.5], [0.6, 0.7, 0.8]], interrupts=(2,)).run
    before = run.config.read_bytes()
    changes = {"execution.remote.endpoint": "typo"}
    with pytest.raises(UsageError, match="no such endpoint"):
        resume(run.path, changes, registry, Audience())
    assert run.config.read_bytes() == before


@pytest.mark.usefixtures("prepare")
def test_new_run_of_a_refused_start_leaves_no_folder(make_config, registry, tmp_path):
    output = OutputSettings(dir=str(tmp_path / "runs"), name="new")
    config = make_config().model_copy(update={"output": output})
    with pytest.raises(UsageError, match="no such endpoint"):
        optimize(config, registry, Audience())
    assert list((tmp_path / "runs").iterdir()) == []
