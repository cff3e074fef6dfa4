from __future__ import annotations

import os
import threading
import time

from hpo_torch_runpod.worker.claims import KEPT_SECONDS, Claims


def test_first_claim_counts(tmp_path):
    claims = Claims(tmp_path)
    assert claims.claim("a", "job-1") == "job-1"
    assert claims.claim("a", "job-2") == "job-1"
    assert claims.claim("a", "job-1") == "job-1"
    assert claims.claim("b", "job-2") == "job-2"


def test_claims_of_other_workers_count(tmp_path):
    Claims(tmp_path / "claims").claim("a", "job-1")
    assert Claims(tmp_path / "claims").claim("a", "job-2") == "job-1"


def test_claims_without_a_volume_are_one_workers_own():
    claims = Claims(None)
    assert claims.claim("a", "job-1") == "job-1"
    assert claims.claim("a", "job-2") == "job-1"
    claims.remove_old()


def test_attempt_is_never_a_path(tmp_path):
    Claims(tmp_path / "claims").claim("../../outside", "job-1")
    assert [path.name for path in (tmp_path / "claims").iterdir()] == ["..%2F..%2Foutside"]
    assert list(tmp_path.iterdir()) == [tmp_path / "claims"]


def test_of_many_that_claim_at_once_one_wins(tmp_path):
    start = threading.Barrier(8)
    winners = []

    def claim(number):
        start.wait()
        winners.append(Claims(tmp_path).claim("a", f"job-{number}"))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 8
    assert len(set(winners)) == 1


def test_claim_whose_maker_died_before_writing_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr("hpo_torch_runpod.worker.claims._WRITE_SECONDS", 0.0)
    (tmp_path / "a").touch()
    assert Claims(tmp_path).claim("a", "job-2") == "job-2"


def test_folder_that_cannot_be_used_stops_no_training(tmp_path, caplog):
    (tmp_path / "claims").write_text("a file")
    assert Claims(tmp_path / "claims").claim("a", "job-1") == "job-1"
    assert "claims of other workers cannot be seen" in caplog.text


def test_only_old_claims_are_removed(tmp_path):
    claims = Claims(tmp_path)
    claims.claim("old", "job-1")
    claims.claim("new", "job-1")
    past = time.time() - KEPT_SECONDS - 60
    os.utime(tmp_path / "old", (past, past))
    claims.remove_old()
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_claim_that_another_worker_removes_meanwhile_is_no_error(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "absent")  # listed, and not there
    Claims(tmp_path).remove_old()
