from __future__ import annotations

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import UnknownNameError
from hpo_torch.execution.select import select_backend
from hpo_torch.hooks.records import BackendSpec

LOCAL = BackendSpec(name="local", target="a:b", summary="", where="processes here")
OTHER = BackendSpec(name="other", target="c:d", summary="", where="elsewhere")


def test_select_backend_auto_means_local_and_says_so():
    selection = select_backend(ExecutionSettings(), [OTHER, LOCAL])
    assert (selection.spec, selection.reason) == (LOCAL, "auto: processes here")


def test_select_backend_takes_the_named_one():
    selection = select_backend(ExecutionSettings(backend="other"), [OTHER, LOCAL])
    assert (selection.spec, selection.reason) == (OTHER, "asked for")


@pytest.mark.parametrize(
    ("backend", "specs", "message"),
    [
        ("othr", [OTHER, LOCAL], "unknown execution backend 'othr'. Did you mean 'other'?"),
        ("auto", [OTHER], "unknown execution backend 'local'. Known: other."),
        ("local", [], "unknown execution backend 'local'. Known: none."),
    ],
)
def test_select_backend_lists_what_exists(backend, specs, message):
    with pytest.raises(UnknownNameError) as error:
        select_backend(ExecutionSettings(backend=backend), specs)
    assert str(error.value).startswith(message)
