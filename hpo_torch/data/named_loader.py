"""The loader of a data set, by name: for machines to which jobs come that name one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.hooks.registry import installed_registry

if TYPE_CHECKING:
    from hpo_torch.data.spec import DatasetLoader


def named_loader(name: str) -> DatasetLoader:
    """Return the loader that an installed plugin has registered under this name.

    Raises:
        UnknownNameError: No such data set.
        MissingDependencyError: A package that it needs is not installed.
    """
    loader: DatasetLoader = installed_registry().datasets.load(name)
    return loader
