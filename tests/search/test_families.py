from __future__ import annotations

import pytest

from hpo_torch.errors import InvalidValueError, UnknownNameError
from hpo_torch.search.families import FAMILIES, activation_override, family_for, search_space


def test_search_space_of_cnn_knows_its_input():
    space = search_space("cnn", (1, 8, 8), 1437, 2, 7)

    assert space.family == "cnn"
    assert (space.parameter("epochs").domain.low, space.parameter("epochs").domain.high) == (2, 7)


def test_search_space_of_lstm_knows_its_epochs_and_size():
    space = search_space("lstm", (), 20_000, 2, 7)
    assert space.family == "lstm"
    assert (space.parameter("epochs").domain.low, space.parameter("epochs").domain.high) == (2, 7)
    assert space.defaults({})["batch_size"] == 64


def test_search_space_of_an_unknown_family_is_refused():
    with pytest.raises(UnknownNameError, match="unknown model family 'cmm'"):
        search_space("cmm", (1, 8, 8), 1437, 2, 7)


@pytest.mark.parametrize(("kind", "family"), [("image", "cnn"), ("text", "lstm")])
def test_family_follows_from_the_kind_and_may_be_named(kind: str, family: str):
    assert family_for(kind) == family
    assert family_for(kind, family) == family


@pytest.mark.parametrize(
    ("kind", "wanted", "message"),
    [
        ("text", "cnn", "kind text .lstm., got 'cnn'. Family 'cnn' learns kind image"),
        ("image", "lstm", "kind image .cnn., got 'lstm'. Family 'lstm' learns kind text"),
    ],
)
def test_family_that_cannot_learn_the_data_is_refused(kind: str, wanted: str, message: str):
    with pytest.raises(InvalidValueError, match=f"^search.family: .*{message}"):
        family_for(kind, wanted)


def test_unknown_family_or_kind_is_refused():
    with pytest.raises(UnknownNameError, match=r"family 'lstn'\. Did you mean 'lstm'"):
        family_for("text", "lstn")
    with pytest.raises(InvalidValueError, match="of kind image or text, got 'sound'"):
        family_for("sound")


@pytest.mark.parametrize("family", FAMILIES)
def test_activation_override_fixes_every_activation_of_the_space(family: str):
    space = search_space(family, (1, 28, 28), 1000, 1, 1)
    chosen = {name for name in space.names if name.endswith("activation")}
    fixed = space.check_fixed(activation_override(family, "gelu"))
    assert fixed == dict.fromkeys(chosen, "gelu")
    assert chosen
