from __future__ import annotations

import pytest
import torch

from hpo_torch.errors import DeviceUnavailableError, InvalidValueError
from hpo_torch.training import devices


def test_absent_cuda_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceUnavailableError, match=r"'cuda:1' was asked for.* has 1 CUDA"):
        devices.resolve_device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "xpu", "cuda:x", "cuda:", "cuda:-1", "cpu:0", "CPU", ""])
def test_what_is_no_device_name_is_refused(name):
    with pytest.raises(InvalidValueError, match="device: expected auto, cpu, cuda, cuda:N or mps"):
        devices.resolve_device(name)


def test_named_devices_are_taken_where_they_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    names = ("cpu", "cuda", "cuda:1", "mps")
    assert [str(devices.resolve_device(name)) for name in names] == list(names)
    with pytest.raises(DeviceUnavailableError, match="has 2 CUDA devices"):
        devices.resolve_device("cuda:99999999999")


def test_absent_mps_is_refused(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceUnavailableError, match=r"'mps' was asked for.* has no Apple GPU"):
        devices.resolve_device("mps")


def test_auto_without_accelerator_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert devices.resolve_device("auto") == torch.device("cpu")


@pytest.mark.parametrize(("amx", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_precision_on_a_cpu_follows_its_amx_tiles(monkeypatch, amx, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})
    assert devices.resolve_precision("auto", torch.device("cpu")) == precision


@pytest.mark.parametrize(("capability", "precision"), [((8, 0), "bf16-mixed"), ((7, 5), "32-true")])
def test_auto_precision_on_cuda_follows_its_generation(monkeypatch, capability, precision):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert devices.resolve_precision("auto", torch.device("cuda", 0)) == precision


def test_given_precision_is_kept():
    assert devices.resolve_precision("32-true", torch.device("cpu")) == "32-true"


def test_autocast_computes_in_the_precision():
    layer, inputs = torch.nn.Linear(4, 4), torch.ones(2, 4)
    with devices.Placement(torch.device("cpu"), "bf16-mixed").autocast():
        assert layer(inputs).dtype == torch.bfloat16
    with devices.Placement(torch.device("cpu"), "32-true").autocast():
        assert layer(inputs).dtype == torch.float32
