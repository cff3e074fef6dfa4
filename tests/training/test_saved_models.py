from __future__ import annotations

import pytest
import torch

from hpo_torch.errors import OutputError
from hpo_torch.training.saved_models import class_names, same_weights


@pytest.fixture
def save(tmp_path):
    def go(name, **tensors):
        path = tmp_path / name
        content = {"state_dict": tensors, "hyper_parameters": {"class_names": ("a", "b")}}
        torch.save(content, path)
        return path

    return go


def test_same_weights_compares_bit_for_bit(save):
    one = save("one", w=torch.ones(2), b=torch.zeros(1))
    assert same_weights(one, save("same", w=torch.ones(2), b=torch.zeros(1)))
    nearly = torch.ones(2) + torch.tensor([0.0, 2**-23])
    assert not same_weights(one, save("nearly", w=nearly, b=torch.zeros(1)))


def test_same_weights_compares_names_and_types(save):
    one = save("one", w=torch.ones(2))
    assert not same_weights(one, save("other", v=torch.ones(2)))
    assert not same_weights(one, save("half", w=torch.ones(2, dtype=torch.float16)))


def test_class_names_are_in_the_order_of_outputs(save):
    assert class_names(save("one")) == ["a", "b"]


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(OutputError, match=r"model\.ckpt is no checkpoint"):
        class_names(path)
