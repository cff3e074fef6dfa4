"""torchtext works with torch 2.3 only: here its pieces that the tokenizer uses are stood in for."""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType

import pytest

from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.data.torchtext_tokenizer import TorchtextTokenizer
from hpo_torch.errors import MissingDependencyError


class Vocabulary:
    """`torchtext.vocab.Vocab` as documented: numbers in the order of its tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.default = tokens, None

    def set_default_index(self, index: int) -> None:
        self.default = index

    def get_itos(self) -> list[str]:
        return self.tokens

    def __call__(self, tokens: list[str]) -> list[int]:
        numbers = {token: number for number, token in enumerate(self.tokens)}
        return [numbers.get(token, self.default) for token in tokens]


def build_vocab_from_iterator(texts, specials):
    counts = Counter(token for text in texts for token in text)
    return Vocabulary([*specials, *sorted(counts, key=lambda token: (-counts[token], token))])


@pytest.fixture
def torchtext(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {name: ModuleType(name) for name in ("torchtext", "torchtext.data")}
    modules["torchtext.data.utils"] = utilities = ModuleType("torchtext.data.utils")
    modules["torchtext.vocab"] = vocabularies = ModuleType("torchtext.vocab")
    utilities.get_tokenizer = {"basic_english": lambda text: text.lower().split()}.__getitem__
    vocabularies.build_vocab_from_iterator = build_vocab_from_iterator
    vocabularies.vocab = lambda counts: Vocabulary(list(counts))
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("torchtext")
def test_torchtext_learns_and_encodes():
    assert find_tokenizer("torchtext") is TorchtextTokenizer
    learned = TorchtextTokenizer.learn(["B a c C", "c b d"])
    assert learned.tokens == ("[PAD]", "[UNK]", "c", "b", "a", "d")
    assert list(learned.encode(["A z", ""])) == [[4, 1], []]
    assert list(TorchtextTokenizer.of(learned.tokens).encode(["D b"])) == [[5, 3]]


def test_torchtext_absent_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torchtext", None)
    with pytest.raises(MissingDependencyError, match=r"torch 2\.3 only.*or use tokenizer 'words'"):
        find_tokenizer("torchtext")


def test_torchtext_for_another_torch_is_refused_with_the_reason(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "torchtext").mkdir()
    raising = "raise OSError('Could not load this library') from OSError('undefined symbol: _ZN5')"
    (tmp_path / "torchtext" / "__init__.py").write_text(raising)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchtext", raising=False)
    with pytest.raises(MissingDependencyError, match=r"undefined symbol: _ZN5.*Use tokenizer"):
        find_tokenizer("torchtext")
