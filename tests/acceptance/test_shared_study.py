"""Two engines on one study in a real PostgreSQL database, one of them killed halfway."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import optuna
import pytest

from hpo_torch.protocol.events import TrialFinished
from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView
from hpo_torch.study.database import Database
from hpo_torch.study.patient_storage import PatientStorage
from hpo_torch.study.trial_marks import our_trials

TRIALS = 40
# One small network; what is searched is how it is trained.
SMALL = [
    *("--dataset", "digits", "--mode", "simple", "--sampler", "random", "--pruner", "none"),
    *("--epochs", "2", "--device", "cpu", "--plots", "none", "--set", "health.probe_size=16"),
    *("--set", "health.gradient_probe_size=16", "--fix", "conv_layers=1", "--fix", "filters=8"),
    *("--fix", "kernel_size=3", "--fix", "hidden_layers=1", "--fix", "hidden_units=32"),
    *("--fix", "batch_size=128"),
]
HELD = """
    SELECT trial FROM hpo_torch_leases
    WHERE state = 'open' AND trial IS NOT NULL AND engine LIKE '%-{process}-%'
"""
FINISHED = "SELECT count(*) FROM hpo_torch_leases WHERE state <> 'open'"
EXPIRE = """
    UPDATE hpo_torch_leases SET expires = now() - interval '1 second'
    WHERE engine LIKE '%-{process}-%'
"""


class Server:
    """The server's answers about one database."""

    def __init__(self, server, url):
        self._server, self._name = server, url.rpartition("/")[2]

    def ask(self, statement):
        rows = self._server.run(statement, database=self._name)
        return [row[0] for row in rows]

    def do(self, statement):
        self._server.run(statement, database=self._name)

    def has_table(self):
        return self.ask("SELECT to_regclass('hpo_torch_leases')") != [None]


@pytest.fixture
def start(tmp_path, database_url):
    """Start an engine, the database's URL in its environment; ended with the test."""
    started = []

    def go(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "hpo_torch.cli.app", "optimize", "--name", "shared", *arguments],
            cwd=tmp_path,
            env={**os.environ, "HPO_TORCH_EXECUTION_STORAGE": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for(condition, *processes):
    """Wait until it holds; a process that ends meanwhile has failed."""
    while not condition():
        for process in processes:
            if process.poll() is not None:
                pytest.fail(f"an engine ended early:\n{process.communicate()[0]}")
        time.sleep(0.1)


def freeze_at_work(server, victim):
    """Stop an engine by a signal while it holds a trial; return the trial's number."""
    while True:
        victim.send_signal(signal.SIGSTOP)
        if held := server.ask(HELD.format(process=victim.pid)):
            return held[0]
        victim.send_signal(signal.SIGCONT)
        time.sleep(0.1)


def finished_trials(url):
    """Return the study's trials, after a look that all are as they should be."""
    database = Database(url)
    study = optuna.load_study(study_name="shared", storage=PatientStorage(database))
    ours, trials = our_trials(study), study.trials
    database.close()
    assert [trial.state.name for trial in ours] == ["COMPLETE"] * TRIALS
    assert not [trial for trial in trials if trial.state.name == "RUNNING"]
    return ours


def trials_told_of(run):
    """Return the trials whose end is in a run's event log, which has no gaps."""
    log = read_events(run / "events.jsonl")
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    return [event.trial for event in log if isinstance(event, TrialFinished)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_engines_finish_forty_trials_once_though_one_is_killed(
    start, tmp_path, postgres, database_url
):
    server = Server(postgres, database_url)
    victim, survivor = (start(*SMALL, "--trials", str(TRIALS)) for _ in range(2))
    wait_for(server.has_table, victim, survivor)
    wait_for(lambda: server.ask(FINISHED)[0] >= TRIALS // 2, victim, survivor)
    orphan = freeze_at_work(server, victim)
    victim.kill()
    victim.wait()
    server.do(EXPIRE.format(process=victim.pid))  # instead of waiting two minutes
    output, _ = survivor.communicate()
    assert survivor.returncode == 0, output

    assert server.ask(FINISHED) == [TRIALS]
    ours = finished_trials(database_url)
    runs = [tmp_path / "runs/shared", tmp_path / "runs/shared-2"]
    told = [trials_told_of(run) for run in runs]
    assert Counter(told[0] + told[1]) == Counter(trial.number for trial in ours)
    (whole,) = (view for view in map(RunView.open, runs) if view.finished)
    assert orphan in told[runs.index(whole.directory.path)]
    assert whole.counts == {"complete": TRIALS, "pruned": 0, "failed": 0}
    best = max(ours, key=lambda trial: (trial.value, -trial.number))
    assert whole.best.trial == best.number
    assert whole.test_report.accuracy > 0.25  # best_model/ is there, and loads; chance is 0.1
    files = [path for run in runs for path in run.rglob("*") if path.is_file()]
    assert [path for path in files if b"open-sesame" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        ("postgresql://ann:sesame@127.0.0.1:1/x", 8, "postgresql://ann@127.0.0.1:1/x cannot be"),
        ("sqlite:///sesame.db", 2, "expected a PostgreSQL database"),
    ],
    ids=["unreachable", "another kind"],
)
def test_a_database_that_cannot_be_used_is_one_message_before_anything_is_written(
    hpo_torch, tmp_path, url, code, message
):
    result = hpo_torch("optimize", "--storage", url)
    assert result.code == code
    assert message in " ".join(result.err.split())
    assert "Traceback" not in result.err
    assert "sesame" not in result.out + result.err
    assert not (tmp_path / "runs").exists()
