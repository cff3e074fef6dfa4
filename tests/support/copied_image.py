"""What a Dockerfile makes, without Docker: its files, its packages, its command."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement

PIP = ("pip", "install", "--no-cache-dir", "--root-user-action=ignore")


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of a Dockerfile that has one stage.

    `copies` are (sources, destination), `runs` and `command` are lists of words.
    """

    base: str
    copies: list[tuple[list[str], str]]
    runs: list[list[str]]
    workdir: str
    command: list[str]


def read_dockerfile(path: Path) -> Dockerfile:
    """Read one; raises KeyError where it has not one FROM, WORKDIR and CMD."""
    parsed = DockerfileParser(fileobj=io.BytesIO(path.read_bytes())).structure
    values = {}
    for each in parsed:
        values.setdefault(each["instruction"], []).append(each["value"])
    copies = [shlex.split(value) for value in values["COPY"]]
    ((base,), (workdir,), (command,)) = values["FROM"], values["WORKDIR"], values["CMD"]
    return Dockerfile(
        base=base,
        copies=[(words[:-1], words[-1]) for words in copies],
        runs=[shlex.split(value) for value in values["RUN"]],
        workdir=workdir,
        command=json.loads(command),
    )


def requirements_in(path: Path) -> dict[str, Requirement]:
    """Return a requirements file's packages by normalised name."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return {canonical(each.name): each for each in map(Requirement, filter(None, lines))}


def canonical(name: str) -> str:
    """Return a package's normalised name."""
    return name.lower().replace("_", "-").replace(".", "-")


class CopiedImage:
    """A Dockerfile carried out in a folder: nothing of this machine but the named packages.

    Its packages are those installed here that its requirements lead to, and no others.
    """

    def __init__(self, dockerfile: Dockerfile, context: Path, folder: Path) -> None:
        self.dockerfile, self.root, self.venv = dockerfile, folder / "root", folder / "venv"
        for sources, destination in dockerfile.copies:
            self._copy([context / source for source in sources], destination)
        self._make_venv()
        for words in dockerfile.runs:
            self._run(words)
        self.place(dockerfile.workdir).mkdir()

    @property
    def path(self) -> str:
        """PATH inside: first the image's own programs."""
        return os.pathsep.join([str(self.venv / "bin"), os.defpath])

    def place(self, path: str) -> Path:
        """Return where an absolute path of the image is."""
        return self.root / path.lstrip("/")

    def _copy(self, sources: list[Path], destination: str) -> None:
        target = self.place(destination)
        for source in sources:
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
            else:
                assert destination.endswith("/"), "a file is copied into a folder"
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)

    def _make_venv(self) -> None:
        run = [sys.executable, "-m", "venv", "--without-pip", str(self.venv)]
        subprocess.run(run, check=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.packages = self.venv / "lib" / version / "site-packages"

    def _run(self, words: list[str]) -> None:
        """Carry out `pip install`: of requirements by links to what is installed here."""
        assert tuple(words[: len(PIP)]) == PIP
        match words[len(PIP) :]:
            case ["-r", path]:
                for name in _closure([*requirements_in(self.place(path)), "pip"]):
                    self._link(name)
            case ["--no-deps", "--no-build-isolation", path]:
                pip = [str(self.venv / "bin" / "python"), "-m", *words[:-1], "-q"]
                clean = {"PATH": self.path, "HOME": str(self.root), "PIP_NO_INDEX": "1"}
                subprocess.run([*pip, str(self.place(path))], check=True, env=clean)
            case other:
                raise AssertionError(f"unknown: pip install {other}")

    def _link(self, name: str) -> None:
        found = distribution(name)
        here = Path(str(found.locate_file("")))  # environments may lie over one another
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            link = self.packages / top
            if not link.exists():
                link.symlink_to(here / top)


def _closure(names: list[str]) -> set[str]:
    """Return these packages and all that they need, as far as they are installed here."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(name, "") for name in names]
    while waiting:
        name, extra = each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        try:
            needed = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # needed on other systems, or not installed with torch's CPU wheels
        found.add(name)
        for requirement in map(Requirement, needed):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                inner = canonical(requirement.name)
                waiting += [(inner, more) for more in ("", *requirement.extras)]
    return found
