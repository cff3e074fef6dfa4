from __future__ import annotations

import pytest

from hpo_torch.data.find_tokenizer import find_tokenizer
from hpo_torch.data.word_tokenizer import WordTokenizer
from hpo_torch.errors import UnknownNameError


def test_find_tokenizer_refuses_an_unknown_name():
    assert find_tokenizer("words") is WordTokenizer
    with pytest.raises(UnknownNameError, match=r"unknown tokenizer 'word'\. Did you mean 'words'"):
        find_tokenizer("word")
