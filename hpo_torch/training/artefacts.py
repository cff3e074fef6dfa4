"""What a trained trial leaves in its folder: the weights that scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch import Trainer


def write_checkpoint(folder: Path, trainer: Trainer) -> None:
    """Write model.ckpt: the trainer's module, its weights and hyperparameters, as Lightning does.

    Optimiser state is left out: nothing continues from a kept epoch.

    Raises:
        OutputError: The disk is full, the folder may not be written ...
    """
    trainer.save_checkpoint(folder / "model.ckpt", weights_only=True)
