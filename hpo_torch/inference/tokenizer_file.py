"""A text model's tokenizer as a file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.results.atomic_files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

TOKENIZER_FILE: Final = "tokenizer.json"


def write_tokenizer(input_spec: Mapping[str, Any], folder: Path) -> Path | None:
    """Write tokenizer.json, which `tokenizers.Tokenizer.from_file` reads.

    It does not cut: of a text of more than `sequence_length` tokens the network was trained on the
    first and last halves (`TokenIds.shorten`).

    Args:
        input_spec: From a model's checkpoint.
        folder: The model's.

    Returns:
        The file's path; None of images, and of a tokenizer that has no such form.

    Raises:
        OutputError: It cannot be written.
    """
    if input_spec["kind"] != "text":
        return None
    content = find_tokenizer(input_spec["tokenizer"]).of(input_spec["tokens"]).to_json()
    if content is None:
        return None
    path = folder / TOKENIZER_FILE
    write_text(path, content)
    return path
