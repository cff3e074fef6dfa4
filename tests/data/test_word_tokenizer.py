from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from hpo_torch.data.word_tokenizer import WordTokenizer


def words(text: str) -> list[str]:
    """Return a text's tokens, read back through a vocabulary that knows them all."""
    tokenizer = WordTokenizer.learn([text])
    (ids,) = tokenizer.encode([text])
    return [tokenizer.tokens[number] for number in ids]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's GOOD", ["it's", "good"]),
        ("It\u2019s good", ["it's", "good"]),
        ("one<br /><br />two<br>three<br/>four", ["one", "two", "three", "four"]),
        ("well-made, 10/10... 'quoted'", ["well", "made", "10", "10", "quoted"]),
        ("Really?! No!!", ["really", "?", "!", "no", "!", "!"]),
        ("\ufb01ne CAFÉ", ["fine", "café"]),
        ("<b>bold</b>", ["b", "bold", "b"]),
    ],
)
def test_words_are_split_as_documented(text: str, tokens: list[str]):
    assert words(text) == tokens


def test_tokens_are_special_ones_then_commonest_then_alphabetical():
    tokenizer = WordTokenizer.learn(["b a c c", "c b d"])
    assert tokenizer.tokens == ("[PAD]", "[UNK]", "c", "b", "a", "d")


def test_unknown_words_are_1_and_a_text_cannot_write_special_tokens():
    tokenizer = WordTokenizer.learn(["pad unk x"])
    assert list(tokenizer.encode(["x y [PAD]", "[UNK]", "..."])) == [[4, 1, 2], [3], []]


def test_of_is_the_tokenizer_that_learned():
    texts = ["some words, some more", "and others"]
    learned = WordTokenizer.learn(texts)
    again = WordTokenizer.of(learned.tokens)
    assert list(again.encode(texts)) == list(learned.encode(texts))


def test_texts_keep_their_order_in_any_number():
    tokenizer = WordTokenizer.of(["[PAD]", "[UNK]", *(f"w{number}" for number in range(2500))])
    texts = [f"w{number}" for number in range(2500)]
    assert list(tokenizer.encode(texts)) == [[number + 2] for number in range(2500)]


def test_json_is_the_same_tokenizer_for_the_library():
    tokenizer = WordTokenizer.learn(["it's good, good<br />film!"])
    again = Tokenizer.from_str(tokenizer.to_json())
    for text in ("It\u2019s a GOOD<br>film!", "[PAD] x", ""):
        assert [again.encode(text).ids] == list(tokenizer.encode([text]))
