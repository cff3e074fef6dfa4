"""The Compose file: valid, and what it starts is what the documentation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from hpo_torch_server.cli import app

ROOT = Path(__file__).parents[3]
FILE = ROOT / "plugins/hpo_torch_server/docker/compose.yaml"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(FILE.read_text("utf-8"))["services"]


def test_it_is_valid_for_the_compose_specification():
    command = [sys.executable, "-m", "check_jsonschema"]
    checked = subprocess.run(
        [*command, "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_image_is_built_from_a_file_that_is_there(services):
    build = services["server"]["build"]
    context = (FILE.parent / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()


def test_the_server_is_started_with_options_that_it_has(services):
    program, command, *options = services["server"]["command"]
    assert (program, command) == ("hpo-torch", "serve")
    known = {name for parameter in get_command(app).params for name in parameter.opts}
    assert {option.partition("=")[0] for option in options} <= known


def test_the_database_has_the_name_user_and_password_that_the_server_gives(services):
    server, database = services["server"], services["database"]["environment"]
    place = f"{database['POSTGRES_USER']}@database/{database['POSTGRES_DB']}"
    assert f"--database=postgresql+psycopg://{place}" in server["command"]
    assert server["environment"]["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
