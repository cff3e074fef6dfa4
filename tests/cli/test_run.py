"""Ctrl-C where no loop counts it, and what the program then says."""

from __future__ import annotations

import pytest

from hpo_torch.cli import retraining, run
from hpo_torch.protocol.events import StudyStarted


def press_ctrl_c(*_, **__):
    raise KeyboardInterrupt


def started(purpose, path):
    return StudyStarted(
        run=path, dataset="digits", mode="simple", objective="val_accuracy", trials=1,
        backend="local", purpose=purpose,
    )  # fmt: skip


@pytest.fixture
def begun(monkeypatch):
    """Interrupt a search after these events."""

    def arrange(*events):
        def optimize(config, registry, audience):
            for event in events:
                for listener in audience.listeners:
                    listener(event)
            raise KeyboardInterrupt

        monkeypatch.setattr(run, "optimize", optimize)

    return arrange


def test_interrupt_before_a_run_has_begun_says_so(cli, begun):
    begun()
    result = cli("optimize")
    assert result.code == 130
    assert result.err == "interrupted; to go on: the same command again\n"


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_interrupt_of_a_run_outside_of_its_loop_says_how_to_resume_it(cli, begun, option):
    begun(started("search", "runs/x"), started("confirmation", "runs/x/confirmation"))
    result = cli("optimize", option)
    assert result.code == 130
    assert result.err == "interrupted; to go on: hpo-torch resume runs/x\n"


def test_interrupt_of_resuming_says_how_to_resume(cli, monkeypatch, tmp_path):
    (tmp_path / "runs/x").mkdir(parents=True)
    (tmp_path / "runs/x/config.yaml").write_text("{}\n")
    monkeypatch.setattr(run, "resume", press_ctrl_c)
    result = cli("resume", "x", "--quiet")
    assert result.code == 130
    assert result.err == "interrupted; to go on: hpo-torch resume runs/x\n"


def test_resume_changes_where_a_run_goes_on(cli, monkeypatch, tmp_path):
    (tmp_path / "runs/x").mkdir(parents=True)
    (tmp_path / "runs/x/config.yaml").write_text("{}\n")
    changed = {}
    monkeypatch.setattr(run, "resume", lambda path, changes, *_: changed.update(changes))
    options = ("--endpoint", "ep", "--gpu-tier", "ADA_24", "--queue-timeout", "600")
    result = cli("resume", "x", "--quiet", *options, "--fallback", "local", "--max-cost", "5")
    assert (result.code, result.err) == (0, "")
    assert changed == {
        "execution.fallback": "local",
        "execution.remote.endpoint": "ep",
        "execution.remote.gpu_tier": "ADA_24",
        "execution.remote.max_cost": 5.0,
        "execution.remote.queue_timeout": 600.0,
    }


def test_interrupt_of_retraining_says_how_to_go_on(cli, monkeypatch, tmp_path):
    (tmp_path / "runs/x").mkdir(parents=True)
    (tmp_path / "runs/x/config.yaml").write_text("{}\n")
    monkeypatch.setattr(retraining, "retrain", press_ctrl_c)
    result = cli("retrain", "x", "--trial", "0")
    assert result.code == 130
    assert result.err == "interrupted; to go on: the same command again\n"


@pytest.mark.parametrize(("reason", "code"), [("interrupted", 130), ("trial 0: no space", 1)])
def test_retraining_that_was_not_finished_says_why(cli, monkeypatch, tmp_path, reason, code):
    (tmp_path / "runs/x").mkdir(parents=True)
    (tmp_path / "runs/x/config.yaml").write_text("{}\n")
    done = retraining.Retrained(folder=tmp_path, reason=reason)
    monkeypatch.setattr(retraining, "retrain", lambda *_: done)
    result = cli("retrain", "x", "--trial", "0")
    assert result.code == code
    assert f"not trained to the end ({reason}); to go on: the same command again" in result.err
