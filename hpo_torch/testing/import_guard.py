"""Check that commands which only list or explain import nothing heavy; for plugin authors too."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAVY_MODULES = ("torch", "torchvision", "lightning", "optuna", "matplotlib", "sklearn", "pandas")

# Runs each command line in turn; a module counts against the first one that brought it in.
_CHILD = """
import json, sys
commands, heavy, report = json.loads(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
from hpo_torch.cli.app import main
imported, seen = {}, set()
for command in commands:
    sys.argv = ["hpo-torch", *command]
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code
    if code not in (None, 0):
        sys.exit(f"hpo-torch {' '.join(command)}: exit code {code}")
    new = [name for name in heavy if name in sys.modules and name not in seen]
    seen.update(new)
    if new:
        imported[" ".join(["hpo-torch", *command])] = new
with open(report, "w", encoding="utf-8") as file:
    json.dump(imported, file)
"""


def heavy_imports(
    commands: Sequence[Sequence[str]], heavy: Sequence[str] = HEAVY_MODULES
) -> dict[str, list[str]]:
    """Run command lines in one fresh interpreter and return the heavy modules they import.

    Args:
        commands: Arguments of `hpo-torch`, one sequence a command: `[["datasets", "list"]]`.
        heavy: Top-level modules that must not be imported.

    Returns:
        For each offending command line the modules it was the first to import; empty when clean.

    Raises:
        AssertionError: A command failed; the message holds its output.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        arguments = (json.dumps([list(each) for each in commands]), json.dumps(list(heavy)))
        child = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", _CHILD, *arguments, str(report)],
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            raise AssertionError(f"{child.stderr}{child.stdout}")
        imported: dict[str, list[str]] = json.loads(report.read_text(encoding="utf-8"))
    return imported


def help_commands() -> list[list[str]]:
    """Return the arguments of `--help` at every level of the program, plugins included."""
    from typer.main import get_command

    from hpo_torch.cli.app import build_app

    found: list[list[str]] = []
    pending: list[tuple[list[str], object]] = [([], get_command(build_app()))]
    while pending:
        path, command = pending.pop()
        found.append([*path, "--help"])
        children: dict[str, object] = getattr(command, "commands", {})
        pending += [([*path, name], child) for name, child in children.items()]
    return sorted(found)
