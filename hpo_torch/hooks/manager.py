"""Finding plugins through entry points; one that fails to load is a warning, not a dead program."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.metadata import entry_points

import pluggy

from hpo_torch.hooks import specs

DISABLE_VARIABLE = "HPO_TORCH_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """One plugin for listings.

    Attributes:
        name: Its entry point's name.
        distribution: The installed distribution it came with, "" where unknown.
        version: That distribution's version.
        status: "loaded", "disabled" or the reason it could not be loaded.
    """

    name: str
    distribution: str = ""
    version: str = ""
    status: str = "loaded"


@dataclass(slots=True)
class Plugins:
    """All plugins of this process, and what went wrong with some.

    Attributes:
        manager: pluggy's manager with hpo-torch's hooks.
        infos: One entry per plugin found, in order of name.
        warnings: One line for each plugin that could not be used, naming it.
    """

    manager: pluggy.PluginManager
    infos: list[PluginInfo] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def new_manager() -> pluggy.PluginManager:
    """Make a manager that knows hpo-torch's hooks and no plugin."""
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    return manager


def disabled_plugins() -> frozenset[str]:
    """Read the names in HPO_TORCH_DISABLE_PLUGINS, comma-separated."""
    names = os.environ.get(DISABLE_VARIABLE, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def load_plugins() -> Plugins:
    """Load every plugin that an installed distribution names in the entry-point group."""
    plugins = Plugins(new_manager())
    disabled = disabled_plugins()
    for entry in sorted(entry_points(group=specs.PROJECT), key=lambda entry: entry.name):
        distribution = entry.dist.name if entry.dist else ""
        version = entry.dist.version if entry.dist else ""
        status = "loaded"
        if entry.name in disabled:
            status = "disabled"
        else:
            try:
                plugins.manager.register(entry.load(), entry.name)
                plugins.manager.check_pending()
            except Exception as error:  # a third party's import can fail in any way
                _forget(plugins.manager, entry.name)
                status = f"{type(error).__name__}: {error}".splitlines()[0]
                plugins.warnings.append(
                    f"plugin '{entry.name}' of {distribution or 'an unknown distribution'} "
                    f"was not loaded: {status}"
                )
        plugins.infos.append(
            PluginInfo(name=entry.name, distribution=distribution, version=version, status=status)
        )
    return plugins


def _forget(manager: pluggy.PluginManager, name: str) -> None:
    if manager.has_plugin(name):
        manager.unregister(name=name)
