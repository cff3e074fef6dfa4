"""From a record's target string to the object itself, at the moment it is used."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from hpo_torch.errors import MissingDependencyError, PluginError

if TYPE_CHECKING:
    from hpo_torch.hooks.records import Record


def _needs(kind: str, record: Record, package: str) -> MissingDependencyError:
    install = f"pip install '{record.extra or package}'"
    return MissingDependencyError(f"{kind} '{record.name}' needs {package}: {install}")


def resolve(kind: str, record: Record) -> Any:
    """Import a record's target.

    Args:
        kind: What the record is, for messages ("dataset").
        record: Its `target` is "package.module:attribute".

    Raises:
        MissingDependencyError: A package that the target needs is not installed.
        PluginError: The target is malformed or has no such attribute.
    """
    module_name, colon, attribute = record.target.partition(":")
    if not (module_name and colon and attribute):
        raise PluginError(
            f"{kind} '{record.name}': expected a target 'package.module:attribute', "
            f"got '{record.target}'"
        )
    for package in record.requires:
        if importlib.util.find_spec(package) is None:
            raise _needs(kind, record, package)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _needs(kind, record, error.name or module_name) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise PluginError(
            f"{kind} '{record.name}': module '{module_name}' has no '{attribute}'"
        ) from error
