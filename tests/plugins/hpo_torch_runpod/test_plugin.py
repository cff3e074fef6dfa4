from __future__ import annotations

import pkgutil
import subprocess
import sys

from hpo_torch_runpod.plugin import register_commands, register_execution_backends


def test_plugin_registers_a_remote_backend_and_a_command():
    (backend,) = register_execution_backends()
    (command,) = register_commands()
    assert (backend.name, backend.remote, command.name) == ("runpod", True, "runpod")
    for target in (backend.target, backend.auto, command.target):
        assert pkgutil.resolve_name(target) is not None


def test_plugin_and_wire_import_nothing_heavy():
    code = (
        "import sys, hpo_torch_runpod.plugin, hpo_torch_runpod.wire\n"
        "print({'torch', 'lightning', 'runpod', 'boto3', 'requests', 'aiohttp'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from hpo_torch_runpod.cli import app;"
        "names = ['deploy', 'status', 'logs', 'teardown', 'costs'];"
        "codes = [CliRunner().invoke(app, [name, '--help']).exit_code for name in names];"
        "heavy = {'runpod', 'requests', 'tenacity', 'boto3', 'torch', 'optuna', 'lightning'};"
        "print(codes, sorted(heavy & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.stdout == "[0, 0, 0, 0, 0] []\n", ran.stderr
