"""Word-level vocabularies, by the `tokenizers` library."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from hpo_torch.data.tokenizer import SPECIAL_TOKENS, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TEXTS_AT_ONCE = 1000  # the library's own record of a text is many times the size of its ids


class WordTokenizer:
    """Words in lower case.

    1. "<br>", "<br/>" and "<br />", which IMDB's reviews have for line ends, become spaces.
    2. Unicode NFKC ("ﬁ" becomes "fi"), typographic apostrophes as "'", lower case.
    3. Tokens are runs of letters, digits and underscores, apostrophes within them included ("it's"
       is one token), and single "!" and "?". Everything else separates them.

    Args:
        tokens: See `TextTokenizer.tokens`.
    """

    RULE: ClassVar[str] = "words-1"

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tuple(tokens)
        # Not the trained object: that would read "[PAD]" in a text as padding.
        vocabulary = {token: number for number, token in enumerate(tokens)}
        self._tokenizer = _word_splitter(vocabulary)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Self:
        """Collect every distinct word of training texts."""
        splitter = _word_splitter({})
        trainer = trainers.WordLevelTrainer(
            vocab_size=2**31, special_tokens=list(SPECIAL_TOKENS), show_progress=False
        )
        splitter.train_from_iterator(texts, trainer)
        numbers = splitter.get_vocab()
        return cls(sorted(numbers, key=numbers.__getitem__))

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
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = list(texts[start : start + _TEXTS_AT_ONCE])
            for encoding in self._tokenizer.encode_batch_fast(some, add_special_tokens=False):
                yield encoding.ids

    def to_json(self) -> str:
        """Return tokenizer.json, which `tokenizers.Tokenizer.from_file` reads."""
        return self._tokenizer.to_str(pretty=True)


def _word_splitter(vocabulary: dict[str, int]) -> Tokenizer:
    splitter = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL_TOKENS[UNKNOWN]))
    splitter.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"<br\s*/?>"), " "),
            normalizers.NFKC(),
            normalizers.Replace("\u2019", "'"),
            normalizers.Lowercase(),
        ]
    )
    splitter.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"\w+(?:'\w+)*|[!?]"), behavior="removed", invert=True
    )
    return splitter
