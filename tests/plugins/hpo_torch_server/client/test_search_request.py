from __future__ import annotations

import inspect
import json

import pytest

from hpo_torch.plugin_api import UnknownNameError, UsageError
from hpo_torch.plugin_cli import optimize as local_optimize
from hpo_torch.plugin_cli import optimize_layers
from hpo_torch.plugin_runs import Layer, dump_config, resolve_config
from hpo_torch_server.client.optimizing import optimize
from hpo_torch_server.client.search_request import search_request


def given(**options):
    """The arguments of a command line with these options only."""
    parameters = inspect.signature(local_optimize).parameters.values()
    return {each.name: each.default for each in parameters} | options


def test_options_become_settings():
    request = search_request(given(dataset="digits", epochs=3, fix=["filters=32"], trials=5))
    assert request == {
        "settings": {
            "search.fix.filters": 32,
            "data.dataset": "digits",
            "search.trials": 5,
            "search.min_epochs": 3,
            "search.max_epochs": 3,
        }
    }


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "quick", "trials": 4},
        {"health_preset": "original", "health_weights_": ["calibration=2"]},
        {"set_": ["health.preset=original", "health.weights.calibration=2", "search.fix={}"]},
        {"mode": "pareto", "delta": 0.02, "health_stop": False, "skip_corrupt": True},
    ],
)
def test_server_resolves_what_the_local_command_would(options):
    sent = json.loads(json.dumps(search_request(given(**options))["settings"]))
    local = resolve_config(optimize_layers(given(**options), environment=False)).config
    assert resolve_config([Layer("request", sent)]).config == local


def test_file_of_an_earlier_run_repeats_it_there(tmp_path):
    file = tmp_path / "config.yaml"
    changes = {"search.trials": 7, "health.weights": {"calibration": 2.0}, "output.dir": "/here"}
    config = resolve_config([Layer("x", changes)]).config
    file.write_text(dump_config(config))
    settings = search_request(given(config=file))["settings"]
    there = resolve_config([Layer("request", settings)]).config
    assert there.model_dump(exclude={"output"}) == config.model_dump(exclude={"output"})
    # Settings of the server's machine, for which it wants more rights, are sent if they are set.
    for name in ("output.dir", "output.loggers", "search.enqueue", "data.path"):
        assert name not in settings


def test_variables_of_this_machine_are_not_sent(monkeypatch):
    monkeypatch.setenv("HPO_TORCH_SEARCH_TRIALS", "99")
    assert search_request(given()) == {"settings": {}}


def test_name_and_queue_have_places_of_their_own(tmp_path):
    queue = tmp_path / "queue.yaml"
    queue.write_text("- {optimizer: sgd}\n- {filters: 16}\n")
    request = search_request(given(name="mine", enqueue=queue))
    assert request == {
        "name": "mine",
        "enqueue": [{"optimizer": "sgd"}, {"filters": 16}],
        "settings": {},
    }


def test_queue_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        search_request(given(enqueue=tmp_path / "absent.yaml"))


def test_unknown_setting_is_named_before_anything_is_sent():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'search\.trials'"):
        search_request(given(set_=["search.trails=3"]))


@pytest.mark.parametrize("value", [".inf", "2026-11-28"])
def test_value_that_json_has_not(value):
    with pytest.raises(UsageError, match=r"search\.fix\.x: "):
        search_request(given(fix=[f"x={value}"]))


def test_remote_command_has_every_parameter_of_the_local_one():
    local = inspect.signature(local_optimize, eval_str=True).parameters
    remote = inspect.signature(optimize).parameters
    assert [name for name in remote if name in local] == list(local)
    assert [name for name in remote if name not in local] == ["context", "sync", "interactive"]
    for name, parameter in local.items():
        assert remote[name].default == parameter.default
