from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from hpo_torch.hooks import manager

PLUGIN = """
from hpo_torch.plugin_api import hookimpl

@hookimpl
def register_datasets():
    return []
"""
UNKNOWN_HOOK = """
from hpo_torch.plugin_api import hookimpl

@hookimpl
def register_nonsense():
    return []
"""


@pytest.fixture
def entry_points(tmp_path, monkeypatch):
    """Pretend that the given module sources are the installed plugins."""

    def install(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        found = [EntryPoint(name, name, "hpo_torch") for name in sources]
        monkeypatch.setattr(manager, "entry_points", lambda group: found)

    return install


def test_load_plugins_registers_entry_points(entry_points):
    entry_points(manager_good=PLUGIN)
    plugins = manager.load_plugins()
    assert [(info.name, info.status) for info in plugins.infos] == [("manager_good", "loaded")]
    assert plugins.manager.has_plugin("manager_good")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('broken')", "RuntimeError: broken"),
        ("import no_such_module", "No module named 'no_such_module'"),
        (UNKNOWN_HOOK, "unknown hook 'register_nonsense'"),
    ],
    ids=["raises", "import", "unknown hook"],
)
def test_broken_plugin_is_one_warning_that_names_it(entry_points, source, reason, request):
    name = f"manager_bad_{abs(hash(source))}"
    entry_points(**{name: source, "manager_good": PLUGIN})
    plugins = manager.load_plugins()
    assert len(plugins.warnings) == 1
    assert f"plugin '{name}'" in plugins.warnings[0]
    assert reason in plugins.warnings[0]
    assert plugins.manager.has_plugin("manager_good")
    assert not plugins.manager.has_plugin(name)


def test_disabled_plugin_is_not_imported(entry_points, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_DISABLE_PLUGINS", "manager_raises, other")
    entry_points(manager_raises="raise RuntimeError('imported')")
    plugins = manager.load_plugins()
    assert [info.status for info in plugins.infos] == ["disabled"]
    assert plugins.warnings == []
