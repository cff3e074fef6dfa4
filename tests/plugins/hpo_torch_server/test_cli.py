"""`hpo-torch serve`: what it refuses, its keys, and its description."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from server_database import BEGIN
from typer.testing import CliRunner

from hpo_torch.errors import InvalidValueError, UsageError
from hpo_torch_server.cli import app
from hpo_torch_server.database import open_database
from hpo_torch_server.keys import KeyStore


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Run `hpo-torch serve ARGUMENTS` in an empty folder; returns stdout."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture
def keys(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/runs/.server/server.sqlite3")
    yield KeyStore(database, lambda: BEGIN)
    database.dispose()


def test_a_key_is_made_and_told_once(serve, keys):
    text = serve("keys", "add", "--owner", "ann").strip()
    key = keys.check(text)
    assert (key.owner, key.scopes, key.expires) == ("ann", ("run",), None)
    assert text not in serve("keys", "list", "--json")


def test_a_key_has_scopes_and_an_end(serve, keys):
    text = serve(
        "keys", "add", "--owner", "ann", "--scope", "admin", "--scope", "read", "--expires", "30"
    )
    key = keys.check(text.strip())
    assert key.scopes == ("read", "admin")
    assert 29.9 < (key.expires - key.created).total_seconds() / 86400 < 30.1


def test_keys_are_listed_and_revoked(serve, keys):
    text = serve("keys", "add", "--owner", "ann").strip()
    (listed,) = json.loads(serve("keys", "list", "--json"))
    assert (listed["owner"], listed["scopes"], listed["revoked"]) == ("ann", ["run"], None)
    assert "ann" in serve("keys", "list")
    serve("keys", "revoke", listed["id"])
    assert keys.check(text) == "revoked key"


def test_a_whole_key_is_not_repeated_where_an_id_was_expected(serve):
    with pytest.raises(UsageError, match="there is no such key") as caught:
        serve("keys", "revoke", "hpt_0a1b2c3d_secret")
    assert "secret" not in str(caught.value).replace("hpt_ and secret", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("keys", "add", "--owner", "ann", "--scope", "write"), "--scope: expected read or run"),
        (("keys", "add", "--owner", " "), "--owner: expected a name"),
        (("--rate-limit", "often"), "--rate-limit: expected a rate like 100/second"),
        (("--cors", "example.org"), "--cors: expected an origin like https://"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_makes_no_sense_is_refused_in_one_line(serve, arguments, words):
    with pytest.raises(InvalidValueError) as caught:
        serve(*arguments)
    assert words in str(caught.value)


def test_options_before_another_command_are_refused(serve):
    with pytest.raises(UsageError, match="got --port, --output-dir before it"):
        serve("--port", "9", "--output-dir", "elsewhere", "keys", "list")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2"])
def test_another_host_needs_a_key(serve, host):
    with pytest.raises(UsageError, match="can be reached from other machines") as caught:
        serve("--host", host)
    assert "hpo-torch serve keys add" in str(caught.value)


def test_a_key_that_is_revoked_does_not_open_another_host(serve, keys):
    key, _ = keys.add("ann", ("admin",))
    keys.revoke(key.id)
    with pytest.raises(UsageError, match="can be reached from other machines"):
        serve("--host", "0.0.0.0")


def test_a_taken_port_is_refused(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1 port {port}"):
            serve("--port", str(port))


def test_a_wrong_setting_in_the_environment_is_found_at_once(serve, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_SEARCH_TRAILS", "3")
    with pytest.raises(UsageError, match="HPO_TORCH_SEARCH_TRIALS"):
        serve()


def test_the_description_is_openapi_3_1(serve):
    assert json.loads(serve("openapi"))["openapi"].startswith("3.1")


@pytest.mark.slow
def test_a_server_says_where_it_is_and_stops_at_once(tmp_path):
    command = [sys.executable, "-m", "hpo_torch.cli.app", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "serving" in line)
            assert "no key is needed" in line
            url = line.split(" at ")[1].split(",")[0]
            with urllib.request.urlopen(f"{url}/modes") as answer:
                assert answer.status == 200
            second = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert second.returncode == 2
            assert "another server works on" in second.stderr
            assert "Traceback" not in second.stderr
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
