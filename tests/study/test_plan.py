from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.data.requests import data_request
from hpo_torch.data.spec import DatasetFacts
from hpo_torch.errors import (
    DataNotFoundError,
    InvalidValueError,
    MissingDependencyError,
    UnknownNameError,
    UsageError,
)
from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.records import DatasetSpec, HealthMetricSpec
from hpo_torch.hooks.registry import build_registry
from hpo_torch.hooks.specs import hookimpl
from hpo_torch.study.plan import plan_study

TEXTS = DatasetSpec(
    name="texts",
    target="json:dumps",
    summary="made up",
    kind="text",
    num_classes=2,
    input_shape=(),
    sizes=(20_000, 100),
    source="none",
)


class Table:
    """The user's own texts: its loader remembers what it was asked for."""

    asked: tuple[str, ...] = ()

    @classmethod
    def prepare(cls, request):
        cls.asked = (*cls.asked, f"prepare {request.path}")
        if request.path is None:
            raise DataNotFoundError("needs --data-path")

    @classmethod
    def describe(cls, request):
        cls.asked = (*cls.asked, f"describe {request.text_column}")
        return DatasetFacts(num_classes=3, input_shape=(), sizes=(500, 50))


class Datasets:
    @hookimpl
    def register_datasets(self):
        own = {"num_classes": None, "input_shape": None, "sizes": None}
        return [TEXTS, replace(TEXTS, name="table", target="own_table:Table", **own)]

    @hookimpl
    def register_health_metrics(self):
        return [
            HealthMetricSpec(name="calm", target="json:dumps", summary="made up", default_weight=1)
        ]


@pytest.fixture
def plan(monkeypatch):
    """Return a function that plans a study with these settings of `data` and `search`."""
    # pytest's importlib mode gives this module a name that nobody can import.
    loaders = ModuleType("own_table")
    loaders.Table = Table
    monkeypatch.setitem(sys.modules, "own_table", loaders)
    Table.asked = ()
    plugins = Plugins(new_manager())
    plugins.manager.register(Datasets(), "texts_plugin")
    registry = build_registry(plugins)

    def make(data, search=None, *, begun=False):
        values = {"mode": "simple", **(search or {})}
        config = RunConfig.model_validate({"data": data, "search": values})
        return plan_study(config, registry, data_request(config.data), begun=begun)

    return make


def test_texts_are_learned_by_lstms(plan):
    made = plan({"dataset": "texts"})
    assert made.space.family == "lstm"
    assert made.defaults["batch_size"] == 64  # 16,000 of 20,000 train: a large set


def test_forced_activation_is_the_hidden_layers_of_an_lstm(plan):
    assert plan({"dataset": "texts"}, {"activation": "gelu"}).fixed == {"hidden_activation": "gelu"}


def test_family_that_cannot_learn_texts_is_refused(plan):
    with pytest.raises(InvalidValueError, match=r"^search\.family: .*learns kind image"):
        plan({"dataset": "texts"}, {"family": "cnn"})


def test_own_data_are_prepared_and_described(plan):
    made = plan({"dataset": "table", "path": "reviews.csv", "text_column": "review"})
    assert Table.asked == ("prepare reviews.csv", "describe review")
    assert made.defaults["batch_size"] == 32  # 400 of 500 train: a small set


def test_own_data_are_not_looked_at_for_nothing(plan):
    with pytest.raises(UnknownNameError):
        plan({"dataset": "table", "path": "reviews.csv"}, {"optimize_for": "beauty"})
    with pytest.raises(InvalidValueError):
        plan({"dataset": "table", "path": "reviews.csv"}, {"family": "cnn"})
    assert Table.asked == ()


def test_path_for_a_known_data_set_is_refused(plan):
    with pytest.raises(InvalidValueError, match=r"^data\.path: .*'texts'.* got 'reviews\.csv'"):
        plan({"dataset": "texts", "path": "reviews.csv"})


def test_torchtext_is_refused_before_anything_is_done(plan, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchtext", None)
    with pytest.raises(MissingDependencyError, match="torchtext"):
        plan({"dataset": "table", "path": "reviews.csv", "tokenizer": "torchtext"})
    assert Table.asked == ()


def test_search_space_is_changed_and_what_is_left_single_is_fixed(plan):
    change = {"lstm": {"lstm_units": {"choices": [8]}, "dropout": {"high": 0.4}}}
    made = plan({"dataset": "texts"}, {"space": change})
    assert made.fixed == {"lstm_units": 8}
    assert made.space.parameter("dropout").domain.high == 0.4


def test_queue_is_read_once(plan, tmp_path):
    path = tmp_path / "queue.json"
    path.write_text('[{"lstm_units": 16}]')
    assert plan({"dataset": "texts"}, {"enqueue": str(path)}).queue == ({"lstm_units": 16},)
    path.unlink()
    assert plan({"dataset": "texts"}, {"enqueue": str(path)}, begun=True).queue == ()
    with pytest.raises(UsageError, match="cannot be read"):
        plan({"dataset": "texts"}, {"enqueue": str(path)})


def test_warm_start_is_looked_for_once(plan):
    search = {"warm_start": "runs/gone"}
    assert plan({"dataset": "texts"}, search, begun=True).warm_start is None
    with pytest.raises(UnknownNameError, match="unknown run 'gone'"):
        plan({"dataset": "texts"}, search)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"sampler_options": {"points": 3}}, "unknown option of search.sampler_options 'points'"),
        ({"pruner_options": {"lower": 3}}, "unknown option of search.pruner_options 'lower'"),
        (
            {"pruner": "patient", "pruner_options": {"wrapped": "asha", "wrapped_options": {
                "min_resource": 30}}},
            "min_resource: expected at most 20",
        ),
    ],
)  # fmt: skip
def test_options_are_checked_before_anything_is_written(plan, search, message):
    with pytest.raises(UsageError, match=message):
        plan({"dataset": "texts"}, search)
