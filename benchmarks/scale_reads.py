"""How long it takes to read a long run, each way in a process of its own: part of scale.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scale_figures import Read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from instant_study import InstantBackend

    from hpo_torch.config.schema import ExecutionSettings
    from hpo_torch.hooks.records import BackendSpec
    from hpo_torch.hooks.registry import Registry

HERE: Final = Path(__file__).parent
PROGRAM: Final = (sys.executable, "-m", "hpo_torch.cli.app")
KIBI: Final = 1024
# Starts a command and says what it took. A process of its own, and a small one: what a process held
# before it became the command counts as the command's memory.
LAUNCHER: Final = """
import os, subprocess, sys, time
begin = time.perf_counter()
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
process = subprocess.Popen(sys.argv[1:], **quiet)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
seconds = time.perf_counter() - begin
print(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, process.returncode)
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of reading a run.

    Attributes:
        name: In words.
        command: What is started.
        limited: Whether it is to stay under five seconds.
        changes: Whether it changes what lies directly in the run's folder.
    """

    name: str
    command: Sequence[str]
    limited: bool = True
    changes: bool = False


def measure(read: Read, command: Sequence[str]) -> None:
    """Run a command, and note its wall time, as a shell would, its CPU time and its memory."""
    environment = os.environ | {"PYTHONPATH": str(HERE), "COLUMNS": "120"}
    launch = [sys.executable, "-c", LAUNCHER, *command]
    said = subprocess.run(launch, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    seconds, worked, memory, code = said.stdout.split()
    read.seconds.append(float(seconds))
    read.worked.append(float(worked))
    read.memory = max(read.memory, int(memory) * KIBI)
    read.code = int(code)


def ways_to_read(run: Path, trials: int) -> list[Way]:
    """Return the ways of reading; each takes its process's start too, the first little else."""
    folder, root = str(run), str(run.parent)
    return [
        Way("`modes`, for a process's start", [*PROGRAM, "modes"]),
        Way("`runs`", [*PROGRAM, "runs", "--output-dir", root]),
        Way("`show RUN`", [*PROGRAM, "show", folder]),
        Way("`show RUN --trials`", [*PROGRAM, "show", folder, "--trials"]),
        Way("`show RUN --trials --json`", [*PROGRAM, "show", folder, "--trials", "--json"]),
        Way("`health RUN`", [*PROGRAM, "health", folder]),
        Way("event log, every event", _here("read_all_events", folder)),
        Way("event log, what a resume needs", _here("read_the_history", folder)),
        Way("`resume RUN`, nothing more wanted", [*PROGRAM, "resume", folder, "--quiet"]),
        Way(
            "`resume RUN --trials N+1`, until it proposes",
            _here("resume", folder, str(trials + 1)),
            changes=True,
        ),
        *(Way(f"`plot RUN --what {name}`", [*PROGRAM, "plot", folder, "--what", name])
          for name in _pictures()),
        Way("`plot RUN`, all pictures", [*PROGRAM, "plot", folder], limited=False),
    ]  # fmt: skip


def measure_reads(run: Path, trials: int, rounds: int) -> list[Read]:
    """Read a run of so many trials in every way, one after the other, so many times."""
    timed = [(way, Read(way.name, way.limited)) for way in ways_to_read(run, trials)]
    for _ in range(rounds):
        for way, read in timed:
            with unchanged(run) if way.changes else nullcontext():
                measure(read, way.command)
    return [read for _, read in timed]


@contextmanager
def unchanged(run: Path) -> Iterator[None]:
    """Put back afterwards what lies directly in a run's folder.

    Who resumes, and ends when the first trial is submitted, changes nothing else.
    """
    with tempfile.TemporaryDirectory(dir=run.parent, prefix=".") as kept:
        for path in _files(run):
            shutil.copy2(path, kept)
        try:
            yield
        finally:
            for path in _files(run):
                path.unlink()
            for path in _files(Path(kept)):
                shutil.move(path, run / path.name)


def read_all_events(run: str) -> None:
    """Read the event log as who needs every event does."""
    from hpo_torch.results.event_log import read_events
    from hpo_torch.results.run_directory import RunDirectory

    read_events(RunDirectory(Path(run)).events)


def read_the_history(run: str) -> None:
    """Read the event log as who resumes does."""
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.recovery import read_history

    read_history(RunDirectory(Path(run)))


def resume(run: str, trials: str) -> None:
    """Do what `hpo-torch resume RUN --trials N` does, until a job is submitted; then end at once.

    Only the backend is another one, which has no workers to bring up.
    """
    from unittest.mock import patch

    from hpo_torch.cli import run as command

    changes = {"search.trials": int(trials)}
    with patch.object(command, "installed_registry", _registry):
        command.resume_search(Path(run), changes, as_json=False, quiet=True)
    raise RuntimeError("the study ended without having proposed anything")


def ending_backend(settings: ExecutionSettings) -> InstantBackend:
    """Make a backend that ends the process, as well done, when it is given a job."""
    from instant_study import InstantBackend

    class EndingBackend(InstantBackend):
        def submit(self, job: object) -> None:
            os._exit(0)

    return EndingBackend(lambda _: None)


def _registry() -> Registry:
    """Return what is installed, and a backend of the name that stands in the run's settings."""
    from scale_study import BACKEND, backend_spec

    from hpo_torch.hooks.manager import load_plugins
    from hpo_torch.hooks.registry import build_registry
    from hpo_torch.hooks.specs import hookimpl

    class Plugin:
        @hookimpl
        def register_execution_backends(self) -> list[BackendSpec]:
            return [backend_spec("scale_reads:ending_backend")]

    plugins = load_plugins()
    plugins.manager.register(Plugin(), BACKEND)
    return build_registry(plugins)


def _here(function: str, *arguments: str) -> list[str]:
    """Return a command that calls a function of this module with strings."""
    code = f"import sys, scale_reads; scale_reads.{function}(*sys.argv[1:])"
    return [sys.executable, "-c", code, *arguments]


def _pictures() -> list[str]:
    from hpo_torch.plots.study_pictures import STUDY_PICTURES

    return [picture.name for picture in STUDY_PICTURES]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]
