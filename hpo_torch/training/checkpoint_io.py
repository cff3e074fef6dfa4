"""How a trainer's checkpoints reach the disk: whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from hpo_torch.results.atomic_files import replacing

if TYPE_CHECKING:
    from os import PathLike


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames; Lightning's own goes through the system's /tmp."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | PathLike[str],
        storage_options: Any | None = None,
    ) -> None:
        """Replace the file.

        Args:
            checkpoint: What Lightning has gathered.
            path: Of the file.
            storage_options: {"durable": False} does not wait for the disk (see `replacing`).

        Raises:
            OutputError: The disk is full, the folder may not be written ...; the file is as it was.
        """
        # Not straight into the file, where torch turns a full disk into an error of its own.
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with replacing(Path(path), **(storage_options or {})) as file:
            file.write(buffer.getbuffer())
