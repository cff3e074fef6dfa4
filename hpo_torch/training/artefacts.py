"""What a trained trial leaves in its folder: the weights that scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch import Trainer


def write_checkpoint(folder: Path, trainer: Trainer) -> None:
    """Write model.ckpt: the trainer's module, its weights and hyperparameters, as Lightning does.

    Optimiser state is left out: nothing continues from a kept epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "model.ckpt.partial"
    trainer.save_checkpoint(partial, weights_only=True)
    partial.replace(folder / "model.ckpt")
