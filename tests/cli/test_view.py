from __future__ import annotations

import io

import pytest
from rich.console import Console
from told_lines import lines

from hpo_torch.cli import view
from hpo_torch.cli.view import open_view, show_events
from hpo_torch.protocol.events import parse_event

EVENTS = [parse_event(line) for line in lines(5)]


@pytest.fixture
def terminal(monkeypatch):
    """A terminal in place of stderr; returns what was written there."""
    written = io.StringIO()
    monkeypatch.setattr(
        view, "err", lambda: Console(file=written, force_terminal=True, width=80, height=24)
    )
    return written


def test_json_is_the_log_line_by_line(capsys):
    with open_view(as_json=True) as opened:
        show_events([(EVENTS[:2], True), (EVENTS[2:], False)], opened)
        opened.note("nothing of this")
    assert capsys.readouterr().out.splitlines() == lines(5)


def test_quiet_tells_warnings_only(capsys):
    with open_view(as_json=False, quiet=True) as opened:
        show_events([(EVENTS, False)], opened)
        opened.note("nothing of this")
        opened.warn("but this")
    assert capsys.readouterr() == ("", "warning: but this\n")


def test_in_a_pipe_past_and_present_are_lines(capsys):
    with open_view(as_json=False) as opened:
        show_events([(EVENTS[:2], True), (EVENTS[2:], False)], opened)
        opened.note("a note")
        opened.note("")
    told = capsys.readouterr().out.splitlines()
    assert [line[:7] for line in told if line.startswith("trial")] == [
        "trial 0", "trial 1", "trial 2"
    ]  # fmt: skip
    assert told[-1] == "a note"


def test_on_a_terminal_the_past_is_in_the_picture_and_scrolls_no_lines(terminal):
    with open_view(as_json=False) as opened:
        show_events([(EVENTS[:3], True), (EVENTS[3:4], False)], opened)
    written = terminal.getvalue()
    assert "trial   2  complete" in written
    assert "trial   0  complete" not in written
    assert "3/9" in written
