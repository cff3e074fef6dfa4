from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from hpo_torch_server.settings import ServerSettings, is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.example.org", False),
        ("example.org", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host, here):
    assert is_loopback(host) is here
    assert ServerSettings(host=host).loopback is here


def test_folders_become_absolute_and_the_state_is_in_the_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ServerSettings(output_dir=Path("out"))
    assert settings.output_dir == tmp_path / "out"
    assert settings.state_dir == tmp_path / "out" / ".server"
    assert settings.database_url == f"sqlite:///{tmp_path}/out/.server/server.sqlite3"


def test_the_state_may_be_elsewhere(tmp_path):
    settings = ServerSettings(output_dir=tmp_path / "out", state_dir=tmp_path / "state")
    assert settings.state_dir == tmp_path / "state"


def test_a_password_is_in_no_repr():
    settings = ServerSettings(database="postgresql://ann:secret@db/server")
    assert "secret" not in repr(settings)
    assert settings.database_url == "postgresql://ann:secret@db/server"


@pytest.mark.parametrize("origin", ["example.org", "https://", "ftp://a.org", "https://a.org/path"])
def test_an_origin_is_scheme_and_host(origin):
    with pytest.raises(ValidationError, match="expected an origin"):
        ServerSettings(cors=(origin,))


def test_an_origin_is_written_as_browsers_do():
    assert ServerSettings(cors=("https://A.org:8443/",)).cors == ("https://a.org:8443",)


@pytest.mark.parametrize("rate", ["often", "10", "10/fortnight"])
def test_a_rate_is_a_number_in_a_time(rate):
    with pytest.raises(ValidationError, match="expected a rate"):
        ServerSettings(rate_limit=rate)
