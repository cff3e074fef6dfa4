from __future__ import annotations

import sys
from datetime import timedelta

import pytest
from server_database import BEGIN

from hpo_torch_server import readiness
from hpo_torch_server.readiness import FRESH, Found, ReadinessReader

COUNTING = """
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
count = int(path.read_text()) + 1
path.write_text(str(count))
print(json.dumps({"local": {"ready": True, "reason": f"answer {count}"}}))
"""


class Clock:
    time = BEGIN

    def __call__(self):
        return self.time


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine starts processes slowly."""
    monkeypatch.setattr(readiness, "FIRST_SECONDS", 60.0)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reader(tmp_path, clock):
    (tmp_path / "count").write_text("0")
    return ReadinessReader(clock, (sys.executable, "-c", COUNTING, str(tmp_path / "count")))


def settled(reader):
    """Wait until nothing is being asked."""
    asking = reader._asking
    if asking is not None:
        asking.join()


def test_an_answer_is_kept_for_a_while(reader, clock):
    first = reader.read()
    assert first.found == {"local": Found(True, "answer 1")}
    assert first.checked == BEGIN
    clock.time += FRESH
    assert reader.read() is first


def test_an_old_answer_is_told_while_a_new_one_is_asked_for(reader, clock):
    first = reader.read()
    clock.time += FRESH + timedelta(seconds=1)
    assert reader.read() is first
    settled(reader)
    assert reader.read().found == {"local": Found(True, "answer 2")}


def test_an_answer_outlives_a_failure(reader, clock):
    reader.read()
    reader._command = (sys.executable, "-c", "import sys; sys.exit(1)")
    clock.time += FRESH + timedelta(seconds=1)
    reader.read()
    settled(reader)
    last = reader.read()
    assert last.found == {"local": Found(True, "answer 1")}
    assert last.checked == BEGIN
    assert last.problem == "backends could not be asked: CalledProcessError"


@pytest.mark.parametrize("text", ["", "[]", '{"local": {"ready": true}}', '{"local": 3}'])
def test_an_answer_that_makes_no_sense_is_none(clock, text):
    reader = ReadinessReader(clock, (sys.executable, "-c", f"print({text!r})"))
    found = reader.read()
    assert found.found == {}
    assert found.problem.startswith("backends could not be asked")
