"""Ten queued searches, and a server and its jobs killed twenty times: `nox -s chaos`. Minutes."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from server_chaos import SEARCH, ServerChaos, random_blows
from whole_run import check_whole

from hpo_torch.results.event_log import read_events
from hpo_torch.results.run_paths import run_names

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]

NAMES = [f"job{number}" for number in range(10)]
BLOWS = random_blows(seed=8, count=20, pace=10.0)


@pytest.fixture
def chaos(tmp_path):
    made = ServerChaos(tmp_path / "chaos", places=2, seed=8)
    made.start()
    yield made
    made.stop()


def test_ten_jobs_survive_whatever_is_killed(chaos):
    waiting = list(NAMES)
    for blow in BLOWS:
        if waiting:
            chaos.create(waiting.pop(0))
        chaos.strike(blow)
    victims = Counter("server" if victim == "server" else "job" for victim in chaos.kills)
    assert victims == {"server": 12, "job": 12}  # four blows hit both

    assert chaos.await_ends(seconds=900) == dict.fromkeys(NAMES, "completed")
    assert run_names(chaos.runs) == NAMES
    assert chaos.processes() == {}
    rows = chaos.rows()
    assert list(rows) == NAMES
    for name in NAMES:
        check_whole(chaos.runs / name, SEARCH["trials"])
        begun = len(read_events(chaos.runs / name / "events.jsonl", "study_started"))
        # A process that was killed early has not begun; and only who was killed is followed by one.
        assert begun <= rows[name]["starts"] <= 1 + chaos.kills.count(name)
