from __future__ import annotations

import pytest

from hpo_torch.errors import MissingDependencyError, PluginError, UnknownNameError
from hpo_torch.hooks.lazy import resolve
from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.records import BackendSpec, DatasetSpec
from hpo_torch.hooks.registry import build_registry
from hpo_torch.hooks.specs import hookimpl


def dataset(name="shapes", target="json:dumps", requires=(), extra=""):
    return DatasetSpec(
        name=name,
        target=target,
        summary="made up",
        requires=requires,
        extra=extra,
        kind="image",
        num_classes=2,
        input_shape=(1, 8, 8),
        sizes=(10, 5),
        source="none",
    )


class Offers:
    """A plugin that registers the given data sets."""

    def __init__(self, *specs):
        self.specs = list(specs)

    @hookimpl
    def register_datasets(self):
        return self.specs


class Raises:
    @hookimpl
    def register_datasets(self):
        raise RuntimeError("no licence")


def registry(**plugins):
    loaded = Plugins(new_manager())
    for name, plugin in plugins.items():
        loaded.manager.register(plugin, name)
    return build_registry(loaded)


def test_hook_register_datasets_collects_records_of_all_plugins():
    found = registry(one=Offers(dataset("a")), two=Offers(dataset("b"), dataset("c")))
    assert [spec.name for spec in found.datasets] == ["a", "b", "c"]
    assert found.datasets.plugin_of == {"a": "one", "b": "two", "c": "two"}


def test_name_registered_twice_names_both_plugins():
    with pytest.raises(PluginError, match=r"'a' is registered by plugin 'one' and again by.*'two'"):
        registry(one=Offers(dataset("a")), two=Offers(dataset("a")))


def test_unknown_name_suggests_the_nearest():
    found = registry(one=Offers(dataset("mnist"), dataset("gtsrb")))
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'mnits'. Did you mean 'mnist'\?"):
        found.datasets.get("mnits")


def test_plugin_that_raises_is_a_warning_and_the_others_work():
    found = registry(bad=Raises(), good=Offers(dataset("a")))
    assert [spec.name for spec in found.datasets] == ["a"]
    assert found.plugins.warnings == ["plugin 'bad' failed in register_datasets: no licence"]


def test_wrong_record_type_names_the_plugin():
    wrong = BackendSpec(name="x", target="a:b", summary="", where="")
    with pytest.raises(PluginError, match=r"plugin 'one': expected a list of DatasetSpec"):
        registry(one=Offers(wrong))


def test_resolve_imports_the_target():
    import json

    assert resolve("dataset", dataset(target="json:dumps")) is json.dumps


def test_resolve_missing_requirement_says_how_to_install_it():
    spec = dataset(requires=("no_such_package",), extra="hpo-torch[extra]")
    with pytest.raises(
        MissingDependencyError,
        match=r"dataset 'shapes' needs no_such_package: pip install 'hpo-torch\[extra\]'",
    ):
        resolve("dataset", spec)


def test_resolve_missing_module_is_a_missing_dependency():
    with pytest.raises(MissingDependencyError, match="needs no_such_module"):
        resolve("dataset", dataset(target="no_such_module:load"))


@pytest.mark.parametrize("target", ["json", "json:", ":dumps"])
def test_resolve_malformed_target_is_a_plugin_error(target):
    with pytest.raises(PluginError, match=r"expected a target 'package\.module:attribute'"):
        resolve("dataset", dataset(target=target))


def test_resolve_missing_attribute_is_a_plugin_error():
    with pytest.raises(PluginError, match="module 'json' has no 'nothing'"):
        resolve("dataset", dataset(target="json:nothing"))
