"""Every check of hpo-torch: `nox` runs them all, `nox -l` lists them, `nox -s tests` runs one.

torch takes 5.5 GB and a minute and a half to install, so it is installed once, into `.nox/deps`
with all other third-party packages. Environments that hold hpo-torch itself are small and lie over
it: one .pth file adds `.nox/deps` to the end of their sys.path, so their own packages come first.
`.nox/dev` holds the working tree (editable); `plugin_install` makes one that holds the wheel.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = [
    "tests",
    "lint",
    "types",
    "imports",
    "docs",
    "plugin_install",
    "acceptance",
    "report",
]

ROOT = Path(__file__).parent.resolve()
DEPS = ROOT / ".nox" / "deps"
DEV = ROOT / ".nox" / "dev"
EXAMPLE = ROOT / "tests" / "assets" / "third_party_plugin"
# The pip and setuptools of .nox/deps serve the environments over it, whose own would hide them.
BARE = ("--without-pip",)
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
# `python -m build` machinery lives in deps too, so that building needs no further download;
# editables is what hatchling's exact editable installs import at run time.
REQUIREMENTS = (
    *PYPROJECT["build-system"]["requires"],
    "editables>=0.5",
    *PYPROJECT["project"]["dependencies"],
    *nox.project.dependency_groups(PYPROJECT, "dev"),
)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run the tests on all cores; `nox -s tests -- -k space -n 0` passes options to pytest."""
    others = ("acceptance", "chaos", "plugin_install")
    ignored = [f"--ignore=tests/{folder}" for folder in others]
    # By file, as a file's tests share what is slow to make; each process takes a gigabyte.
    parallel = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile")
    _run(session, _dev(session), "-m", "pytest", *parallel, *ignored, *session.posargs)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style and formatting; `pre-commit install` does it at every commit."""
    python = _dependencies(session)
    _run(session, python, "-m", "ruff", "check")
    _run(session, python, "-m", "ruff", "format", "--check")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    _run(session, _dependencies(session), "-m", "mypy")


@nox.session(venv_backend="none")
def imports(session: nox.Session) -> None:
    """Check that imports follow the architecture (import-linter)."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "plugins")))
    lint_imports = _executable(DEPS, "lint-imports")
    _dependencies(session)
    session.run(str(lint_imports), external=True, env={"PYTHONPATH": path})


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Check what docs take from the code; `nox -s docs -- --write` brings it up to date."""
    mode = "-r" if "--write" in session.posargs else "--check"
    env = {"TYPER_USE_RICH": "0", "COLUMNS": "100", "TERM": "dumb"}
    generated = ("docs/cli.md", "docs/architecture.md")
    _run(session, _dev(session), "-m", "cogapp", mode, *generated, env=env)


@nox.session(venv_backend="venv", venv_params=BARE, reuse_venv=False)
def plugin_install(session: nox.Session) -> None:
    """Install the wheel and a third party's plugin where no source tree is, and use both."""
    _dependencies(session)
    _lay_over_dependencies(session, Path(session.bin) / "python")
    wheels = Path(session.create_tmp()) / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for project in (ROOT, EXAMPLE):
        build = ("wheel", "-qq", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels))
        session.run("python", "-m", "pip", *build, str(project))
    # Without an index, pip fails unless the dependencies that the wheels declare are met.
    session.install("-qq", "--no-index", *map(str, sorted(wheels.glob("*.whl"))))
    # -P: the working directory's hpo_torch must not shadow the installed one.
    session.run("python", "-P", "-m", "pytest", "tests/plugin_install", *session.posargs)


@nox.session(venv_backend="none")
def acceptance(session: nox.Session) -> None:
    """Run the product from the command line, as a user does."""
    _run(session, _dev(session), "-m", "pytest", "tests/acceptance", *session.posargs)


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """Measure speed, small and on whatever machine this is: figures to look at, never a gate."""
    data = os.environ.get("HPO_TORCH_TEST_DATA")
    options = ("--data-dir", data) if data else ()
    # The limit is for what hangs, so a slow machine must not come near it.
    limit = ("--limit", "900")
    _run(session, _dev(session), "benchmarks/report.py", *limit, *options, *session.posargs)


@nox.session(venv_backend="none", default=False)
def chaos(session: nox.Session) -> None:
    """Kill the processes of long searches at random, over and over; takes many minutes."""
    _run(session, _dev(session), "-m", "pytest", "tests/chaos", *session.posargs)


@nox.session(venv_backend="none", default=False)
def bench(session: nox.Session) -> None:
    """Measure; each script's header says what to expect. `nox -s bench -- SCRIPT [OPTIONS]`."""
    if session.posargs:
        _run(session, _dev(session), *session.posargs)
        return
    for script in sorted((ROOT / "benchmarks").glob("*.py")):
        text = script.read_text(encoding="utf-8")
        # The others are parts of a script, or need to be told where data are.
        if "__main__" in text and "--data-dir" not in text:
            _run(session, _dev(session), str(script))


def _dependencies(session: nox.Session) -> Path:
    """Install all third-party packages unless they are there; return their interpreter."""
    if _made_for(DEPS, *REQUIREMENTS):
        return _executable(DEPS, "python")
    _make(session, DEPS)
    _run(session, _executable(DEPS, "python"), "-m", "pip", "install", "-qq", *REQUIREMENTS)
    _stamp(DEPS, *REQUIREMENTS)
    return _executable(DEPS, "python")


def _dev(session: nox.Session) -> Path:
    """Install the working tree, editable, over the dependencies; return its interpreter."""
    _dependencies(session)
    python = _executable(DEV, "python")
    made_for = (str(ROOT), (ROOT / "pyproject.toml").read_text(), *REQUIREMENTS)
    if not _made_for(DEV, *made_for):
        _make(session, DEV, *BARE)
        _lay_over_dependencies(session, python)
        editable = ("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        _run(session, python, "-m", "pip", "install", "-qq", *editable)
        _stamp(DEV, *made_for)
    return python


def _lay_over_dependencies(session: nox.Session, python: Path) -> None:
    """Add .nox/deps to the end of an environment's sys.path.

    A .pth file inside .nox/deps is not read this way: nothing editable can leak through it. Python
    reads .pth files in order of name: this one comes before an editable install's, which needs it.
    """
    above, below = (
        str(session.run(str(each), "-c", _PRINT_PURELIB, external=True, silent=True)).strip()
        for each in (python, _executable(DEPS, "python"))
    )
    Path(above, "0_dependencies.pth").write_text(f"{below}\n", encoding="utf-8")


_PRINT_PURELIB = "import sysconfig; print(sysconfig.get_path('purelib'))"


def _executable(environment: Path, name: str) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin") / name


def _run(session: nox.Session, python: Path, *args: str, env: dict[str, str] | None = None) -> None:
    session.run(str(python), *args, external=True, env=env)


def _make(session: nox.Session, environment: Path, *options: str) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    _run(session, Path(sys.executable), "-m", "venv", *options, str(environment))


def _made_for(environment: Path, *what: str) -> bool:
    stamp = environment / "hpo-torch.stamp"
    return stamp.is_file() and stamp.read_text() == _digest(*what)


def _stamp(environment: Path, *what: str) -> None:
    (environment / "hpo-torch.stamp").write_text(_digest(*what))


def _digest(*what: str) -> str:
    return hashlib.sha256("\0".join((sys.version, *what)).encode()).hexdigest()
