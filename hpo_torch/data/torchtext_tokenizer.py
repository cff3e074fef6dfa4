"""torchtext's English tokenizer and vocabulary, for installations that can still import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import torch

from hpo_torch.data.tokenizer import SPECIAL_TOKENS, UNKNOWN
from hpo_torch.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class TorchtextTokenizer:
    """torchtext's "basic_english": lower case, punctuation apart, IMDB's "<br />" a space.

    `check_torchtext` says whether it can be used.

    Args:
        tokens: See `TextTokenizer.tokens`.
    """

    RULE: ClassVar[str] = "torchtext-basic_english"

    def __init__(self, tokens: Sequence[str]) -> None:
        from torchtext.data.utils import get_tokenizer
        from torchtext.vocab import vocab

        self._tokens = tuple(tokens)
        self._split = get_tokenizer("basic_english")
        # torchtext numbers tokens in the order of this mapping; the counts only matter to limits.
        self._numbers = vocab(dict.fromkeys(tokens, 1))
        self._numbers.set_default_index(UNKNOWN)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Self:
        """Collect every distinct token of training texts."""
        from torchtext.data.utils import get_tokenizer
        from torchtext.vocab import build_vocab_from_iterator

        split = get_tokenizer("basic_english")
        learned = build_vocab_from_iterator(map(split, texts), specials=list(SPECIAL_TOKENS))
        return cls(learned.get_itos())

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Self:
        """Make the tokenizer that knows these tokens."""
        return cls(tokens)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token; its place is its id."""
        return self._tokens

    def encode(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield each text's ids."""
        for text in texts:
            yield self._numbers(self._split(text))

    def to_json(self) -> None:
        """Return None: its rules are torchtext's."""


def check_torchtext() -> None:
    """Raise MissingDependencyError, with the reason, where torchtext cannot be imported."""
    try:
        import torchtext.vocab  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "tokenizer 'torchtext' needs torchtext, which works with torch 2.3 only (this is torch "
            f"{torch.__version__}): pip install 'hpo-torch[torchtext]' there, or use tokenizer "
            "'words'."
        ) from error
    except OSError as error:  # its compiled library does not fit this torch's
        raise MissingDependencyError(
            "tokenizer 'torchtext': torchtext is installed but cannot be imported with torch "
            f"{torch.__version__} ({error.__cause__ or error}). Its last release, 0.18.0, was "
            "built for torch 2.3. Use tokenizer 'words'."
        ) from error
