"""What a tokenizer is: it learns a vocabulary, and texts become numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PADDING, UNKNOWN = 0, 1
SPECIAL_TOKENS: Final = ("[PAD]", "[UNK]")


class TextTokenizer(Protocol):
    """What splits texts into tokens and numbers them.

    Attributes:
        RULE: Name and version of how texts are split; another rule, another name.
    """

    RULE: ClassVar[str]

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Self:
        """Collect every distinct token of training texts."""

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Self:
        """Make the tokenizer that knows these tokens, or the first of them."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token; its place is its id.

        "[PAD]" and "[UNK]" come first, then the commonest token and so on, so that the first n are
        the best vocabulary of n; equally common ones are in alphabetical order.
        """

    def encode(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield each text's ids: 1 for a token that is not known, none for an empty text."""

    def to_json(self) -> str | None:
        """Return the tokenizer as a file of the `tokenizers` library; None where it has no form."""
