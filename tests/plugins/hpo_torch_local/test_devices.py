from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import DeviceUnavailableError, InvalidValueError
from hpo_torch_local import devices
from hpo_torch_local.devices import (
    check_device,
    check_jobs,
    cpu_threads,
    device_index,
    visible_device,
    worker_environment,
)


@pytest.fixture
def machine(monkeypatch):
    """Return a function that pretends this machine has so many CUDA devices, and a driver."""

    def pretend(cuda_devices: int, *, driver: bool = True) -> None:
        monkeypatch.setattr(devices, "_cuda_devices", lambda: cuda_devices)
        monkeypatch.setattr(devices, "nvidia_driver_found", lambda: driver)

    return pretend


@pytest.mark.parametrize(
    ("device", "present", "used"),
    [
        ("cpu", 4, 0),
        ("auto", 4, 4),
        ("auto", 0, 0),
        ("cuda", 4, 4),
        ("cuda:0", 4, 1),
        ("cuda:3", 4, 1),
    ],
)
def test_check_device_counts_cuda_devices(machine, device, present, used):
    machine(present)
    assert check_device(ExecutionSettings(device=device)) == used


@pytest.mark.parametrize(
    ("jobs", "cuda_devices", "oversubscribe"),
    [(1, 1, False), (2, 2, False), (8, 0, False), (4, 2, True)],
)
def test_check_jobs_lets_one_trial_a_device_cpus_and_asked_for_sharing_pass(
    jobs, cuda_devices, oversubscribe
):
    check_jobs(ExecutionSettings(jobs=jobs, oversubscribe=oversubscribe), cuda_devices)


@pytest.mark.parametrize(("devices", "words"), [(1, "1 CUDA device "), (2, "2 CUDA devices ")])
def test_check_jobs_says_what_to_do_about_too_many(devices, words):
    with pytest.raises(InvalidValueError) as error:
        check_jobs(ExecutionSettings(jobs=4), devices)
    assert str(error.value) == (
        f"jobs: expected at most {devices}, one trial for each CUDA device, got 4. "
        f"Use '--jobs {devices}', or '--oversubscribe' to let trials share {words}"
        "and their memory."
    )


def test_check_device_auto_without_a_driver_uses_no_cuda(machine):
    machine(4, driver=False)
    assert check_device(ExecutionSettings(device="auto")) == 0


@pytest.mark.parametrize(
    ("device", "present", "here"),
    [("cuda", 0, "no CUDA device"), ("cuda:0", 0, "no CUDA"), ("cuda:2", 2, "2 CUDA device")],
)
def test_check_device_refuses_an_absent_device(machine, device, present, here):
    machine(present)
    with pytest.raises(DeviceUnavailableError) as error:
        check_device(ExecutionSettings(device=device))
    assert f"'{device}' was asked for, but this machine has {here}" in str(error.value)
    assert "'--device cpu'" in str(error.value)


def test_check_device_refuses_mps_where_torch_has_none(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(DeviceUnavailableError, match="no Apple GPU"):
        check_device(ExecutionSettings(device="mps"))


def test_check_device_takes_mps_where_torch_has_it(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert check_device(ExecutionSettings(device="mps")) == 0


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "", "cuda:0 "])
def test_check_device_refuses_an_unknown_name(device):
    with pytest.raises(InvalidValueError, match="device: expected auto, cpu, cuda, cuda:N or mps"):
        check_device(ExecutionSettings(device=device))


def test_cpu_device_and_both_backends_import_no_torch():
    script = (
        "import sys, hpo_torch_local.processes as p, hpo_torch_local.in_process as i\n"
        "from hpo_torch.config.schema import ExecutionSettings\n"
        "p.LocalBackend(ExecutionSettings(device='cpu'))\n"
        "i.InProcessBackend(ExecutionSettings(device='cpu'))\n"
        "assert not {'torch', 'lightning', 'numpy', 'optuna'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


@pytest.mark.parametrize(("cores", "jobs", "threads"), [(8, 1, 8), (8, 3, 2), (2, 8, 1)])
def test_cpu_threads_share_the_cores_we_may_use(monkeypatch, cores, jobs, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert cpu_threads(jobs) == threads


@pytest.mark.parametrize(("given", "threads"), [("3", 3), ("0", 4), ("", 4), ("many", 4)])
def test_cpu_threads_are_those_that_the_user_wants(monkeypatch, given, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert cpu_threads(2) == threads


def test_cpu_threads_count_all_cores_where_affinity_is_unknown(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cpu_threads(2) == 3


@pytest.mark.parametrize(
    ("device", "worker", "count", "inherited", "visible"),
    [
        ("cuda", 0, 2, {}, "0"),
        ("cuda", 3, 2, {}, "1"),
        ("auto", 1, 2, {}, "1"),
        ("cuda:3", 5, 1, {}, "3"),
        ("cuda:1", 0, 1, {"CUDA_VISIBLE_DEVICES": "4, 6"}, "6"),
        ("cuda", 1, 2, {"CUDA_VISIBLE_DEVICES": "GPU-aa,GPU-bb"}, "GPU-bb"),
        ("auto", 0, 0, {}, None),
        ("cpu", 0, 0, {}, None),
    ],
)
def test_worker_environment_names_one_cuda_device(device, worker, count, inherited, visible):
    settings = ExecutionSettings(device=device, jobs=1)
    environment = worker_environment(settings, worker, count, inherited)
    assert environment.get("CUDA_VISIBLE_DEVICES") == visible


@pytest.mark.parametrize(("device", "index"), [("cuda", None), ("cuda:0", 0), ("cuda:12", 12)])
def test_device_index_reads_the_number(device, index):
    assert device_index(device) == index


@pytest.mark.parametrize(
    ("device", "pinned", "named"),
    [
        ("cuda", True, "cuda:0"),
        ("cuda:3", True, "cuda:0"),
        ("auto", True, "auto"),
        ("cpu", True, "cpu"),
        ("cuda:3", False, "cuda:3"),
    ],
)
def test_visible_device_renames_cuda_only_in_a_pinned_worker(device, pinned, named):
    assert visible_device(device, {"CUDA_VISIBLE_DEVICES": "3"} if pinned else {}) == named


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOMP_SPINCOUNT", "100000"),
        ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128"),
        ("LRU_CACHE_CAPACITY", "128"),
    ],
)
def test_worker_environment_sets_defaults_unless_the_user_has(name, value):
    assert worker_environment(ExecutionSettings(), 0, 0, {})[name] == value
    assert worker_environment(ExecutionSettings(), 0, 0, {name: "7"})[name] == "7"
