"""Export a model into the folder where it lies."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from hpo_torch.inference.export import export_model
from hpo_torch.inference.find_checkpoint import find_checkpoint, run_of
from hpo_torch.inference.load_model import load_model
from hpo_torch.inference.real_examples import check_examples
from hpo_torch.inference.tokenizer_file import write_tokenizer
from hpo_torch.results.run_lock import run_lock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.inference.export import Exported, Format


def export_beside(path: Path, formats: Sequence[Format]) -> list[Exported]:
    """Write programs, and the tokenizer of a text model, beside a checkpoint.

    Args:
        path: As of `find_checkpoint`. A run is locked meanwhile: its best model must not change.
        formats: Which programs.

    Raises:
        UnknownNameError, OutputError: There is no model, or the folder cannot be written.
        RunInUseError: The run goes on.
        HpoTorchError, MissingDependencyError: As of `export_model`.
    """
    find_checkpoint(path)
    view = run_of(path)
    with nullcontext() if view is None else run_lock(view.directory.path):
        checkpoint = find_checkpoint(path)
        model = load_model(checkpoint)
        examples = check_examples(model, None if view is None else view.config.data)
        exported = export_model(model, checkpoint.parent, formats, examples)
        write_tokenizer(model.input_spec, checkpoint.parent)
    return exported
