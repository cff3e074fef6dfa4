"""Every error that hpo-torch reports to its user, and the exit code of each.

    HpoTorchError                      1   base: one clear message, no traceback
    ├── UsageError                     2   what was asked for cannot be done as asked
    │   ├── UnknownNameError           2   no such dataset, objective, hyperparameter, setting ...
    │   ├── InvalidValueError          2   a known setting with an impossible value
    │   └── DeviceUnavailableError     2   CUDA (or another device) asked for but absent
    ├── MissingDependencyError         3   a plugin's package is not installed
    ├── DataError                      4   a data set cannot be read
    │   ├── DataNotFoundError          4   files are absent and may not be downloaded
    │   ├── CorruptDataError           4   a file's checksum or content is wrong
    │   └── DownloadError              4   every mirror failed
    ├── OutputError                    5   a results folder cannot be written or read
    ├── PluginError                    6   a plugin breaks the plugin contract
    ├── StudyFailedError               7   the study ended without one completed trial
    ├── StorageError                   8   a shared study's database cannot be reached or used
    └── RunInUseError                  9   another process works on the run

A message says what was expected, what was given, and what to do. The command line catches
`HpoTorchError` once, at its edge (`hpo_torch.cli.app.main`), and nowhere else.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class HpoTorchError(Exception):
    """Base of every error with a message for the user."""

    exit_code: ClassVar[int] = 1


class UsageError(HpoTorchError):
    """What was asked for cannot be done as asked."""

    exit_code = 2


class UnknownNameError(UsageError):
    """No such dataset, objective, hyperparameter, setting, preset, run ..."""

    def __init__(self, kind: str, given: str, known: Iterable[str]) -> None:
        """Say which names exist, and the nearest one.

        Args:
            kind: What the name stands for, in the singular ("dataset").
            given: The name that is not known.
            known: Every name that would have been accepted.
        """
        names = sorted(known)
        close = difflib.get_close_matches(given, names, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        listing = ", ".join(names) if names else "none"
        super().__init__(f"unknown {kind} '{given}'.{hint} Known: {listing}.")
        self.kind, self.given, self.known = kind, given, tuple(names)


class InvalidValueError(UsageError):
    """A known setting or hyperparameter was given an impossible value."""

    def __init__(self, name: str, expected: str, given: object, advice: str = "") -> None:
        """Say what `name` accepts, what it was given, and (optionally) what to do."""
        tail = f" {advice}" if advice else ""
        super().__init__(f"{name}: expected {expected}, got {given!r}.{tail}")


class DeviceUnavailableError(UsageError):
    """A device was asked for that this machine does not have."""


class MissingDependencyError(HpoTorchError):
    """A plugin's package is not installed."""

    exit_code = 3


class DataError(HpoTorchError):
    """A data set cannot be read."""

    exit_code = 4


class DataNotFoundError(DataError):
    """The files are absent and may not be downloaded."""


class CorruptDataError(DataError):
    """A file's checksum or content is wrong; the message names the file."""


class DownloadError(DataError):
    """Every mirror of a file failed."""


class OutputError(HpoTorchError):
    """A results folder cannot be written or read."""

    exit_code = 5


class PluginError(HpoTorchError):
    """A plugin breaks the plugin contract: a wrong return type, a name taken twice."""

    exit_code = 6


class StudyFailedError(HpoTorchError):
    """The study ended without one completed trial."""

    exit_code = 7


class StorageError(HpoTorchError):
    """A shared study's database cannot be reached or used; what is on disk stays as it is."""

    exit_code = 8


class RunInUseError(HpoTorchError):
    """Another process works on the run."""

    exit_code = 9
