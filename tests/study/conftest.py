"""A study with a scripted backend: real Optuna, real files, no training."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted_backend import ScriptedBackend

from hpo_torch.config.schema import RunConfig
from hpo_torch.data.requests import data_request
from hpo_torch.errors import StudyFailedError
from hpo_torch.execution.select import Selection
from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.records import BackendSpec, DatasetSpec, HealthMetricSpec
from hpo_torch.hooks.registry import build_registry
from hpo_torch.hooks.specs import hookimpl
from hpo_torch.results.records import RunSummary, read_record
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView
from hpo_torch.study.audience import Audience
from hpo_torch.study.plan import plan_study, with_data_defaults
from hpo_torch.study.session import Session
from hpo_torch.study.storage import is_begun, open_storage, open_study


class Shapes:
    @hookimpl
    def register_datasets(self):
        return [
            DatasetSpec(
                name="shapes",
                target="json:dumps",
                summary="made up",
                kind="image",
                num_classes=2,
                input_shape=(1, 8, 8),
                sizes=(1000, 100),
                source="none",
            )
        ]

    @hookimpl
    def register_health_metrics(self):
        return [
            HealthMetricSpec(name="calm", target="json:dumps", summary="made up", default_weight=1)
        ]


@pytest.fixture
def registry():
    plugins = Plugins(new_manager())
    plugins.manager.register(Shapes(), "shapes_plugin")
    return build_registry(plugins)


@pytest.fixture
def make_config():
    def make(execution=None, **search):
        return RunConfig.model_validate(
            {
                "data": {"dataset": "shapes"},
                "search": {"mode": "simple", "trials": 3, "seed": 1, **search},
                "execution": execution or {},
            }
        )

    return make


class UntestedSession(Session):
    """A session whose weights are no real ones: they are neither tested nor drawn."""

    def _score(self, summary):
        return summary

    def _draw(self, summary):
        pass


class StudyRun:
    """A run that a process has worked on, and everything that it left."""

    def __init__(self, plan, run, backend, events, warnings):
        self.plan, self.run, self.backend = plan, run, backend
        self.events, self.warnings = events, warnings
        self.error = None

    @property
    def study(self):
        return open_study(open_storage(self.run), self.plan, self.run, print)

    @property
    def results(self):
        return RunView(self.run).trials

    @property
    def states(self):
        return {result.trial: result.state for result in self.results}

    @property
    def summary(self):
        return read_record(self.run.summary, RunSummary)

    @property
    def reason(self):
        return self.summary.reason


@pytest.fixture
def run_script(tmp_path, registry, make_config):
    """Run a study whose trials do what a script says; `again` goes on in the same folder.

    They run with the backend `place`, which may be `remote`.
    """

    def go(
        script,
        *,
        backend=None,
        name="run",
        again=False,
        clock=None,
        place="scripted",
        remote=False,
        **settings,
    ):
        words = ("capacity", "interrupts", "on_poll", "mangle")
        given = {word: settings.pop(word) for word in words if word in settings}
        backend = backend or ScriptedBackend(script, **given)
        config = with_data_defaults(make_config(**{"trials": len(script), **settings}), registry)
        run = RunDirectory(tmp_path / name) if again else RunDirectory.create(tmp_path, name)
        run.write_config(config)
        plan = plan_study(config, registry, data_request(config.data), begun=is_begun(run))
        plan = replace(plan, remote=remote)
        events, warnings = [], []
        audience = Audience(listeners=[events.append], warn=warnings.append)
        spec = BackendSpec(name=place, target="json:dumps", summary="made up", where="here")
        more = {} if clock is None else {"clock": clock}
        session = UntestedSession(plan, Selection(spec, "asked for"), run, audience, **more)
        done = StudyRun(plan, run, backend, events, warnings)
        try:
            session.work(backend, registry)
        except StudyFailedError as error:
            done.error = error
        return done

    go.backend = ScriptedBackend
    return go


@pytest.fixture
def engine(run_script, database_url):
    """Run an engine in a folder of its own, on the study that they all share."""

    def go(name, script=((0.5, 0.6), (0.2, 0.3, 0.4), (0.6, 0.9)), **settings):
        return run_script(script, name=name, execution={"storage": database_url}, **settings)

    return go
