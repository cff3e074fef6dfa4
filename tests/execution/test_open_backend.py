from __future__ import annotations

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import InvalidValueError, UsageError
from hpo_torch.execution import open_backend as module
from hpo_torch.execution.fallback import FallbackBackend
from hpo_torch.execution.open_backend import backends_used, open_backend
from hpo_torch.execution.select import Selection
from hpo_torch.hooks.records import BackendSpec

LOCAL = BackendSpec(name="local", target="a:b", summary="", where="here")
CLOUD = BackendSpec(name="cloud", target="c:d", summary="", where="there", remote=True)
WITH_FALLBACK = Selection(CLOUD, "auto: ready", LOCAL)


class Made:
    """What the factories make: it knows its settings."""

    def __init__(self, name, settings):
        self.name, self.settings = name, settings
        self.capacity, self.refusal = settings.jobs, ""


def loader(cloud_error=None, devices=None):
    """Return what loads factories; the local one takes at most so many jobs as it has devices."""

    def load(name):
        def make(settings):
            if name == "cloud" and cloud_error is not None:
                raise cloud_error
            if name == "local" and devices is not None and settings.jobs > devices:
                raise InvalidValueError("jobs", f"at most {devices}", settings.jobs)
            return Made(name, settings)

        return make

    return load


def opened(selection, load, warnings, **settings):
    return open_backend(selection, ExecutionSettings(**settings), load, warnings.append)


def test_without_fallback_it_is_the_backend_itself():
    warnings = []
    chosen = Selection(CLOUD, "asked for")
    selection, backend = opened(chosen, loader(), warnings, jobs=8)
    assert (selection, backend.name, backend.capacity, warnings) == (chosen, "cloud", 8, [])
    assert backends_used(selection, backend) == ("cloud",)


def test_without_fallback_what_it_lacks_is_an_error():
    with pytest.raises(UsageError, match="no key"):
        opened(Selection(CLOUD, "asked for"), loader(UsageError("no key")), [])


def test_with_fallback_both_are_behind_one():
    selection, backend = opened(WITH_FALLBACK, loader(), [], jobs=8)
    assert selection == WITH_FALLBACK
    assert isinstance(backend, FallbackBackend)
    assert (backend.capacity, backend.refusal) == (8, "")
    assert backends_used(selection, backend) == ("cloud",)


def test_backend_that_cannot_be_used_gives_way_with_one_warning():
    warnings = []
    selection, backend = opened(WITH_FALLBACK, loader(UsageError("no key.")), warnings)
    assert selection == Selection(LOCAL, "instead of cloud: no key.")
    assert backend.name == "local"
    assert warnings == ["all trials run with backend 'local', not with 'cloud': no key."]


def test_wrong_setting_is_no_reason_to_run_elsewhere():
    with pytest.raises(InvalidValueError, match="gpu_tier"):
        opened(WITH_FALLBACK, loader(InvalidValueError("gpu_tier", "a tier", "x")), [])


@pytest.mark.parametrize(
    ("jobs", "cores", "devices", "expected"),
    [(8, 4, None, 4), (2, 4, None, 2), (8, 16, 3, 3), (1, 16, 3, 1)],
)
def test_fallback_takes_as_many_jobs_as_the_machine_does(
    monkeypatch, jobs, cores, devices, expected
):
    monkeypatch.setattr(module, "_cores", lambda: cores)
    load = loader(UsageError("no key"), devices)
    _, backend = opened(WITH_FALLBACK, load, [], jobs=jobs)
    assert backend.settings.jobs == expected
