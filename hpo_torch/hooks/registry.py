"""What all plugins together offer, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hpo_torch.errors import PluginError, UnknownNameError
from hpo_torch.hooks.lazy import resolve
from hpo_torch.hooks.manager import Plugins, load_plugins
from hpo_torch.hooks.records import (
    BackendSpec,
    CommandSpec,
    DatasetSpec,
    HealthMetricSpec,
    ObjectiveSpec,
    Record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

R = TypeVar("R", bound=Record)


class Catalogue(Generic[R]):
    """The records of one kind.

    Attributes:
        kind: What one record is, for messages ("dataset").
        plugin_of: The plugin that registered each name.
    """

    def __init__(self, kind: str, record_type: type[R]) -> None:
        self.kind = kind
        self._record_type = record_type
        self._records: dict[str, R] = {}
        self.plugin_of: dict[str, str] = {}

    def add(self, record: object, plugin: str) -> None:
        """Add one record of a plugin.

        Raises:
            PluginError: It is no record of this kind, or its name is taken.
        """
        if not isinstance(record, self._record_type):
            raise PluginError(
                f"plugin '{plugin}': expected a list of {self._record_type.__name__}, "
                f"got {record!r}"
            )
        if record.name in self._records:
            raise PluginError(
                f"{self.kind} '{record.name}' is registered by plugin "
                f"'{self.plugin_of[record.name]}' and again by plugin '{plugin}'; "
                f"disable one of them: HPO_TORCH_DISABLE_PLUGINS={plugin}"
            )
        self._records[record.name] = record
        self.plugin_of[record.name] = plugin

    def get(self, name: str) -> R:
        """Look a record up; raises UnknownNameError with the nearest name."""
        try:
            return self._records[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._records) from None

    def load(self, name: str) -> Any:
        """Import the object that a record's target names."""
        return resolve(self.kind, self.get(name))

    def __iter__(self) -> Iterator[R]:
        return iter(sorted(self._records.values(), key=lambda record: record.name))

    def __len__(self) -> int:
        return len(self._records)


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that plugins registered.

    Attributes:
        plugins: The plugins themselves, for listings, warnings and observer hooks.
    """

    plugins: Plugins
    datasets: Catalogue[DatasetSpec]
    health_metrics: Catalogue[HealthMetricSpec]
    objectives: Catalogue[ObjectiveSpec]
    backends: Catalogue[BackendSpec]
    commands: Catalogue[CommandSpec]


def _collect(plugins: Plugins, hook: str, catalogue: Catalogue[Any]) -> None:
    for implementation in getattr(plugins.manager.hook, hook).get_hookimpls():
        name = implementation.plugin_name
        try:
            records = list(implementation.function())
        except Exception as error:  # a third party's code can fail in any way
            plugins.warnings.append(f"plugin '{name}' failed in {hook}: {error}")
            continue
        for record in records:
            catalogue.add(record, name)


def build_registry(plugins: Plugins) -> Registry:
    """Ask every plugin what it offers.

    Raises:
        PluginError: Two plugins register one name, or a plugin returns no record.
    """
    registry = Registry(
        plugins,
        Catalogue("dataset", DatasetSpec),
        Catalogue("health metric", HealthMetricSpec),
        Catalogue("objective", ObjectiveSpec),
        Catalogue("backend", BackendSpec),
        Catalogue("command", CommandSpec),
    )
    _collect(plugins, "register_datasets", registry.datasets)
    _collect(plugins, "register_health_metrics", registry.health_metrics)
    _collect(plugins, "register_objectives", registry.objectives)
    _collect(plugins, "register_execution_backends", registry.backends)
    _collect(plugins, "register_commands", registry.commands)
    return registry


@cache
def installed_registry() -> Registry:
    """Build the registry of the installed plugins, once a process."""
    return build_registry(load_plugins())
