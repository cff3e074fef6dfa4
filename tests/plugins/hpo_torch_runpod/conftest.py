"""RunPod on loopback, for whoever tests against it."""

from __future__ import annotations

import pytest
from cloud_backend import CloudBackends
from fake_cloud import FakeCloud

from hpo_torch.testing.runpod_standin import RunpodStandin


@pytest.fixture
def standin(monkeypatch):
    """A stand-in without endpoints; this process's environment is that of its account."""
    with RunpodStandin() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("RUNPOD_ENDPOINT_ID", raising=False)
        yield running


@pytest.fixture
def api(standin):
    """RunPod's REST API as the stand-in speaks it; what fails is tried again at once."""
    from pydantic import SecretStr

    from hpo_torch_runpod.rest_api import RestApi

    return RestApi(SecretStr(standin.api_key), timeout=5.0, tries=3)


@pytest.fixture
def cloud():
    """RunPod whose jobs do what the test says."""
    return FakeCloud()


@pytest.fixture
def backends(cloud, tmp_path, monkeypatch):
    """Makes backends on `cloud` for one run; closed after the test."""
    made = CloudBackends(cloud, tmp_path / "run", monkeypatch)
    yield made
    made.close()
