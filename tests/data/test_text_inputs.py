from __future__ import annotations

from hpo_torch.data.text_inputs import text_inputs

SPEC = {
    "kind": "text",
    "shape": [100],
    "tokenizer": "words",
    "tokens": ["[PAD]", "[UNK]", "good", "film", "!"],
    "sequence_length": 4,
    "padding": 0,
    "unknown": 1,
}


def test_texts_are_encoded_cut_and_padded():
    inputs = text_inputs(["Good<br />film!", "", "a long long good film of films!"], SPEC)
    assert inputs.tolist() == [[2, 3, 4, 0], [1, 0, 0, 0], [1, 1, 1, 4]]
