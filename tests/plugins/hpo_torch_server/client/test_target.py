from __future__ import annotations

import pytest

from hpo_torch.plugin_api import UsageError
from hpo_torch_server.client.target import Target, job_path


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://pod-8000.proxy.example/", "https://pod-8000.proxy.example"),
        ("https://host/hpo/api/v1", "https://host/hpo"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_url_is_where_the_api_begins(given, url):
    target = Target.of(given, None)
    assert (target.url, target.api) == (url, f"{url}/api/v1")


@pytest.mark.parametrize(
    "given", ["", "host:8000", "ftp://host", "http://", "http://host:port", "http://h?x=1", "jobs"]
)
def test_other_texts_are_no_server(given):
    with pytest.raises(UsageError, match="expected a server's address"):
        Target.of(given, None)


def test_password_in_a_url_is_refused_and_not_shown():
    with pytest.raises(UsageError) as raised:
        Target.of("https://ann:secret@host", None)
    assert "secret" not in str(raised.value)


def test_key_is_shown_nowhere():
    target = Target.of("https://host", " hpt_1_secret\n")
    assert target.key == "hpt_1_secret"
    assert "secret" not in repr(target)
    with pytest.raises(UsageError) as raised:
        Target.of("https://host", "two secret\nlines")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "readable"),
    [("http://host", True), ("https://host", False), ("http://localhost:8000", False)],
)
def test_key_over_http_can_be_read_on_the_way(url, readable):
    assert Target.of(url, "hpt_1_s").key_is_readable is readable
    assert not Target.of(url, None).key_is_readable


def test_commands_can_be_typed_as_they_are_shown():
    command = Target.of("http://h:1", "hpt_1_secret").command("watch", "a b")
    assert command == "hpo-torch remote http://h:1 watch 'a b'"


def test_paths_are_quoted():
    assert (
        job_path("a/../b c", "files", "trials/0 1/x?")
        == "/jobs/a%2F..%2Fb%20c/files/trials/0%201/x%3F"
    )
