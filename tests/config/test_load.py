from __future__ import annotations

import pytest
import yaml

from hpo_torch.config.load import (
    Layer,
    assignments,
    dump_config,
    environment_layer,
    file_layer,
    flatten,
    preset_layer,
    resolve_config,
    settings_fields,
)
from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError


def resolve(**values):
    dotted = {name.replace("__", "."): value for name, value in values.items()}
    return resolve_config([Layer("command line", dotted)])


def test_defaults_are_the_documented_ones():
    config = resolve_config([]).config
    assert config.data.dataset == "digits"
    assert config.data.validation_split is None
    assert config.data.validation_share == 0.2
    assert config.search.mode == "health"
    assert config.search.health_weight == 0.3
    assert config.search.trials == 10
    assert config.training.patience == 5


def test_later_layers_win_and_origins_say_so(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("search:\n  trials: 4\n  seed: 7\n")
    resolved = resolve_config(
        [
            preset_layer("mnist"),
            file_layer(path),
            environment_layer({"HPO_TORCH_SEARCH_SEED": "8", "PATH": "/bin"}),
            Layer("command line", {"search.mode": "health"}),
        ]
    )
    assert resolved.config.data.dataset == "mnist"
    assert resolved.config.search.trials == 4
    assert resolved.config.search.seed == 8
    assert resolved.config.search.mode == "health"
    assert resolved.origins["data.dataset"] == "preset mnist"
    assert resolved.origins["search.trials"] == f"file {path}"
    assert resolved.origins["search.seed"] == "environment"
    assert resolved.origins["search.mode"] == "command line"
    assert "training.patience" not in resolved.origins


def test_data_dir_comes_from_its_environment_variable():
    layer = environment_layer({"HPO_TORCH_DATA_DIR": "/data"})
    assert resolve_config([layer]).config.data.dir == "/data"


def test_fixed_hyperparameters_merge_name_by_name():
    low = Layer("preset x", {"search.fix.filters": 32, "search.fix.kernel_size": 3})
    high = Layer("command line", {"search.fix.filters": 64})
    resolved = resolve_config([low, high])
    assert resolved.config.search.fix == {"filters": 64, "kernel_size": 3}
    assert resolved.origins["search.fix.kernel_size"] == "preset x"


def test_dumped_config_reads_back_equal(tmp_path):
    config = resolve(search__trials=3, search__fix__filters=32, health__combine="min").config
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(config))
    assert resolve_config([file_layer(path)]).config == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"search__trails": 3}, r"unknown setting 'search.trails'. Did you mean 'search.trials'\?"),
        ({"serach__trials": 3}, r"Did you mean 'search.trials'\?"),
        ({"search__trials__x": 3}, "unknown setting 'search.trials.x'"),
    ],
)
def test_unknown_setting_suggests_the_nearest(values, message):
    with pytest.raises(UnknownNameError, match=message):
        resolve(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"search__health_weight": 1.5}, "search.health_weight: expected less than or equal to 1"),
        ({"search__trials": 0}, "search.trials: expected greater than or equal to 1, got 0"),
        ({"search__trials": "many"}, "search.trials: expected a valid integer.*got 'many'"),
        (
            {"search__mode": "healthy"},
            "search.mode: expected 'simple', 'health', 'constrained' or 'pareto'",
        ),
        ({"output__plots": "some"}, "output.plots: expected 'all', 'best' or 'none'"),
    ],
)
def test_impossible_value_says_what_is_expected_and_its_origin(values, message):
    with pytest.raises(InvalidValueError, match=message) as caught:
        resolve(**values)
    assert "from command line" in str(caught.value)


def test_min_epochs_above_max_is_explained():
    with pytest.raises(UsageError, match=r"min_epochs \(9\) is above max_epochs \(4\)"):
        resolve(search__min_epochs=9, search__max_epochs=4)


def test_unknown_environment_variable_is_an_error():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'HPO_TORCH_SEARCH_TRIALS'\?"):
        environment_layer({"HPO_TORCH_SEARCH_TRIAL": "3"})


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1, 2]", "expected sections"), ("a: [", "not valid YAML")],
)
def test_unreadable_file_is_a_usage_error(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        file_layer(path)


def test_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        file_layer(tmp_path / "absent.yaml")


def test_assignments_read_yaml_values():
    texts = ["search.trials=3", "output.name=a=b", "search.timeout=null"]
    assert assignments(texts, "--set") == {
        "search.trials": 3,
        "output.name": "a=b",
        "search.timeout": None,
    }


@pytest.mark.parametrize("text", ["search.trials", "=3", ""])
def test_assignment_without_name_or_value_is_a_usage_error(text):
    with pytest.raises(UsageError, match="--set: expected NAME=VALUE"):
        assignments([text], "--set")


def test_flatten_keeps_lists():
    nested = yaml.safe_load("a: {b: 1, c: {d: [1, 2]}}\ne: 2")
    assert flatten(nested) == {"a.b": 1, "a.c.d": [1, 2], "e": 2}


def test_every_setting_is_described():
    assert all(info.description for info in settings_fields().values())
    assert {name.split(".")[0] for name in settings_fields()} == set(RunConfig.model_fields)


CHANGE = {"cnn": {"filters": {"choices": [16, 32]}}}


def test_search_space_comes_from_file_option_and_environment_alike(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("search: {space: {cnn: {filters: {choices: [16, 32]}}}}")
    option = "search.space.cnn.filters.choices=[16, 32]"
    whole = "search.space={cnn: {filters: {choices: [16, 32]}}}"
    layers = [
        file_layer(path),
        Layer("command line", assignments([option], "--set")),
        Layer("command line", assignments([whole], "--set")),
        environment_layer({"HPO_TORCH_SEARCH_SPACE": "{cnn: {filters: {choices: [16, 32]}}}"}),
    ]
    assert [resolve_config([layer]).config.search.space for layer in layers] == [CHANGE] * 4


def test_search_space_merges_key_by_key_and_reads_back_equal(tmp_path):
    low = Layer("preset x", flatten({"search": {"space": CHANGE}}))
    options = ["search.space.cnn.dropout.high=0.4", "search.space.cnn.filters.choices=[64]"]
    config = resolve_config([low, Layer("command line", assignments(options, "--set"))]).config
    assert config.search.space == {"cnn": {"filters": {"choices": [64]}, "dropout": {"high": 0.4}}}
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(config))
    assert resolve_config([file_layer(path)]).config == config


def test_empty_mapping_empties_what_lower_layers_filled():
    low = Layer("preset x", {"search.fix.filters": 32, "search.fix.kernel_size": 3})
    middle = Layer("file y", {"search.fix": {}})
    high = Layer("command line", {"search.fix.filters": 64})
    assert resolve_config([low, middle]).config.search.fix == {}
    assert resolve_config([low, middle, high]).config.search.fix == {"filters": 64}


def test_setting_below_a_value_that_is_none_is_explained():
    layer = Layer("command line", {"search.space.cnn": 3, "search.space.cnn.filters.low": 1})
    with pytest.raises(UsageError, match=r"search\.space\.cnn has a value of its own"):
        resolve_config([layer])


def test_environment_variable_of_a_mapping_must_be_yaml():
    with pytest.raises(UsageError, match=r"HPO_TORCH_SEARCH_SPACE: '\{' is not a YAML mapping"):
        environment_layer({"HPO_TORCH_SEARCH_SPACE": "{"})


def test_settings_of_a_section_within_a_section_have_their_dotted_names():
    execution = resolve(
        execution__remote__endpoints__ada_24="e-1", execution__remote__max_cost=2
    ).config.execution
    assert execution.remote.endpoints == {"ada_24": "e-1"}
    assert execution.remote.max_cost == 2.0
    layer = environment_layer(
        {
            "HPO_TORCH_EXECUTION_REMOTE_ENDPOINT": "e-2",
            "HPO_TORCH_EXECUTION_REMOTE_ENDPOINTS": "{ada_24: e-3}",
            "HPO_TORCH_VOLUME": "/volume",  # no setting of a run
            "HPO_TORCH_VERSION": "0.1.0",  # nor this
        }
    )
    assert layer.values == {
        "execution.remote.endpoint": "e-2",
        "execution.remote.endpoints.ada_24": "e-3",
    }


def test_sections_within_sections_survive_their_file(tmp_path):
    config = resolve(execution__remote__bucket="s3://mine/here", execution__fallback="none").config
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(config))
    assert resolve_config([file_layer(path)]).config == config


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bucket", "mine/here", "expected a bucket of S3, s3://NAME or s3://NAME/PREFIX"),
        ("bucket", "s3://a b", "expected a bucket of S3"),
        ("max_cost", 0, "expected greater than 0, got 0"),
        ("max_cost", float("inf"), "expected a finite number"),
        ("queue_timeout", -1, "expected greater than 0"),
        ("trials_per_job", 0, "expected greater than or equal to 1"),
    ],
)
def test_impossible_remote_settings_say_what_was_expected(name, value, message):
    with pytest.raises(InvalidValueError) as error:
        resolve(**{f"execution__remote__{name}": value})
    assert str(error.value).startswith(f"execution.remote.{name}: {message}")


def test_unknown_remote_setting_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'execution\.remote\.endpoint'\?"):
        resolve(execution__remote__endpiont="e-1")
