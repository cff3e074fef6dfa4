"""Tokenizers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.data.word_tokenizer import WordTokenizer
from hpo_torch.errors import UnknownNameError

if TYPE_CHECKING:
    from hpo_torch.data.tokenizer import TextTokenizer

_NAMES: Final = ("words", "torchtext")


def find_tokenizer(name: str) -> type[TextTokenizer]:
    """Return the kind of tokenizer of that name, as in the setting `data.tokenizer`.

    Raises:
        UnknownNameError: There is none.
        MissingDependencyError: Its package is absent or does not work with this torch.
    """
    if name not in _NAMES:
        raise UnknownNameError("tokenizer", name, _NAMES)
    if name == "words":
        return WordTokenizer
    # It imports torch, which settings are checked without.
    from hpo_torch.data.torchtext_tokenizer import TorchtextTokenizer, check_torchtext

    check_torchtext()
    return TorchtextTokenizer
