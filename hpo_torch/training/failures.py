"""What ended a trial, in the kinds that the study handles differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from hpo_torch.errors import DataError, OutputError

if TYPE_CHECKING:
    from hpo_torch.protocol.events import FailureKind

# Where exhausted memory is a RuntimeError only its text tells: torch's allocator of the CPU, MPS
# and its libraries, and CUDA's (cublasCreate, cudnn ...), which allocate beside torch.
_OUT_OF_MEMORY: Final = ("can't allocate memory", "out of memory", "ALLOC_FAILED", "bad_alloc")


def failure_kind(error: BaseException) -> FailureKind:
    """Name what went wrong in one of the kinds that the study handles differently."""
    if isinstance(error, SIGTERMException):
        return "worker_died"  # a scheduler ends this machine's work; the trial can go on elsewhere
    if isinstance(error, DataError):
        return "data"
    if isinstance(error, OutputError):
        return "backend"  # a full disk, a read-only folder: neither data nor user code is to blame
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
    ):
        return "out_of_memory"
    return "user_code"
