from __future__ import annotations

import pytest

from hpo_torch.testing.import_guard import heavy_imports, help_commands


def test_help_commands_reach_every_level():
    commands = help_commands()
    assert ["--help"] in commands
    assert ["optimize", "--help"] in commands
    assert ["datasets", "list", "--help"] in commands
    assert all(command[-1] == "--help" for command in commands)


def test_heavy_imports_names_the_first_command_that_imports_a_module():
    assert heavy_imports([["--help"], ["--version"]], heavy=("typer", "no_such_module")) == {
        "hpo-torch --help": ["typer"]
    }


def test_heavy_imports_fails_with_the_output_of_a_failing_command():
    with pytest.raises(AssertionError, match="no-such-command"):
        heavy_imports([["no-such-command"]])
