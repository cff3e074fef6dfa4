from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import UnknownNameError
from hpo_torch.execution.select import Selection, select_backend
from hpo_torch.hooks.records import BackendSpec, Readiness

LOCAL = BackendSpec(name="local", target="a:b", summary="", where="processes here")
OTHER = BackendSpec(name="other", target="c:d", summary="", where="elsewhere")


@pytest.fixture
def spec(monkeypatch):
    """Make a record whose `auto` answers so, or raises so."""

    def make(name, answer, *, remote=False):
        def readiness(settings):
            if isinstance(answer, Exception):
                raise answer
            return Readiness(*answer)

        monkeypatch.setitem(sys.modules, f"{name}_auto", SimpleNamespace(readiness=readiness))
        return BackendSpec(
            name=name,
            target="nowhere:nothing",
            summary="",
            where=f"at {name}",
            requires=("no_such_package",),  # who is asked needs none of what its trials need
            remote=remote,
            auto=f"{name}_auto:readiness",
        )

    return make


def test_select_backend_auto_means_local_where_nobody_can_be_asked():
    selection = select_backend(ExecutionSettings(), [OTHER, LOCAL])
    assert selection == Selection(LOCAL, "auto: processes here")


def test_select_backend_takes_the_named_one():
    selection = select_backend(ExecutionSettings(backend="other"), [OTHER, LOCAL])
    assert selection == Selection(OTHER, "asked for")


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


def test_select_backend_auto_prefers_a_remote_one_that_is_ready(spec):
    local, cloud = spec("local", (True, "CPU")), spec("cloud", (True, "2 workers"), remote=True)
    selection = select_backend(ExecutionSettings(), [local, cloud])
    assert selection == Selection(cloud, "auto: 2 workers", local)


def test_select_backend_auto_says_why_a_remote_one_is_not_ready(spec):
    local, cloud = spec("local", (True, "CPU")), spec("cloud", (False, "no key"), remote=True)
    selection = select_backend(ExecutionSettings(), [local, cloud])
    assert selection == Selection(local, "auto: CPU; not cloud: no key")


def test_select_backend_auto_outlives_one_whose_answer_fails(spec):
    local = spec("local", (False, "no CUDA"))
    cloud = spec("cloud", ValueError("oops"), remote=True)
    selection = select_backend(ExecutionSettings(), [local, cloud])
    reason = "auto: at local; not cloud: ValueError: oops; not local: no CUDA"
    assert selection == Selection(local, reason)


@pytest.mark.parametrize(
    ("settings", "falls_back"),
    [
        ({"backend": "auto"}, True),
        ({"backend": "auto", "fallback": "none"}, False),
        ({"backend": "cloud"}, False),
        ({"backend": "cloud", "fallback": "local"}, True),
        ({"backend": "local", "fallback": "local"}, False),
    ],
)
def test_select_backend_says_what_takes_over(spec, settings, falls_back):
    local, cloud = spec("local", (True, "CPU")), spec("cloud", (True, "ok"), remote=True)
    selection = select_backend(ExecutionSettings(**settings), [local, cloud])
    assert selection.fallback == (local if falls_back else None)
