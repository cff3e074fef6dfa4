from __future__ import annotations

import json

import pytest

from hpo_torch.plugin_api import OutputError, UsageError
from hpo_torch.plugin_runs import RunInUseError
from hpo_torch_server.client.mirror import open_mirror
from hpo_torch_server.client.refusals import ServerError

LATER = "2026-11-28T10:22:02.000Z"
FILES = {
    "config.yaml": b"{}\n",
    "events.jsonl": b'{"seq":1}\n{"seq":2}\n',
    "study.journal": b'{"op":0}\n',
    "summary.json": b'{"reason":"done"}\n',
    "trials.csv": b"number\n0\n",
    "trials/0000/epochs.csv": b"epoch\n1\n",
    "trials/0000/result.json": b'{"trial":0}\n',
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "the-run"


@pytest.fixture
def bring(api, connection, folder):
    """Bring our copy up to date; returns paths of files that were asked for, in order."""
    api.files = dict(FILES)

    def run():
        api.requests.clear()
        with open_mirror(connection, "the-run", folder.parent) as mirror:
            run.whole = mirror.bring_up_to_date()
        start = "/jobs/the-run/files/"
        return [path.removeprefix(start) for _, path, _ in api.requests if path.startswith(start)]

    return run


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("changing", [set(), None], ids=["settled", "changing"])
def test_everything_comes_and_nothing_comes_twice(api, bring, folder, changing):
    api.changing = changing
    assert sorted(bring()) == sorted(FILES)
    assert bring.whole
    assert content(folder) == FILES
    asked = bring()
    # The logs' last lines are compared, to be sure that it still is this run.
    assert asked == ["events.jsonl", "study.journal"]
    assert {h["Range"] for h in api.asked("GET", "/jobs/the-run/files/events.jsonl")} == {
        "bytes=0-19"
    }
    assert content(folder) == FILES


def test_files_come_after_those_that_they_speak_of(bring):
    order = bring()
    assert order[0] == "config.yaml"
    assert order[-1] == "summary.json"
    assert order.index("trials/0000/epochs.csv") < order.index("trials/0000/result.json")
    assert order.index("trials/0000/result.json") < order.index("events.jsonl")


@pytest.mark.parametrize("changing", [set(), None], ids=["settled", "changing"])
def test_what_has_changed_comes_again(api, bring, folder, changing):
    api.changing = changing
    bring()
    api.files["trials.csv"] = b"number\n9\n"  # as many bytes
    api.modified["trials.csv"] = LATER
    api.files["events.jsonl"] += b'{"seq":3}\n'
    assert bring()[2:] == ["trials.csv", "events.jsonl"]
    assert content(folder) == api.files


def test_what_is_gone_there_goes_here_and_what_is_ours_stays(api, bring, folder):
    bring()
    (folder / "notes.txt").write_text("mine")
    del api.files["summary.json"], api.files["trials/0000/epochs.csv"]
    bring()
    assert content(folder) == {**api.files, "notes.txt": b"mine"}


def test_locks_and_temporary_files_stay_there(api, bring, folder):
    names = (".engine.json", ".engine.lock", "trials/.result.json.1-1.tmp", ".fetched.json")
    api.files |= dict.fromkeys(names, b"theirs")
    bring()
    assert content(folder) == FILES
    assert json.loads((folder / ".fetched.json").read_text())["job"] == "the-run"


def test_run_that_was_worked_on_here_is_left_as_it_is(api, bring, folder):
    bring()
    with (folder / "events.jsonl").open("ab") as log:
        log.write(b'{"seq":3,"here":1}\n')
    before = content(folder)
    api.files["events.jsonl"] += b'{"seq":3,"there":1}\n{"seq":4}\n'
    api.files["trials.csv"] = b"number\n0\n1\n"
    with pytest.raises(UsageError, match="is not the beginning of the-run"):
        bring()
    assert content(folder) == before


def test_run_that_was_not_fetched_is_left_alone(bring, folder):
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("{}\n")
    with pytest.raises(OutputError, match="was not fetched from a server"):
        bring()
    assert (folder / "config.yaml").read_text() == "{}\n"


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", "a\\..\\x", "c:x", "", "a/\0"], ids=repr
)
def test_file_outside_of_the_run_is_refused(api, bring, folder, path):
    api.files[path] = b"evil"
    with pytest.raises(ServerError, match="is not to be trusted"):
        bring()
    assert content(folder) == {}


@pytest.mark.parametrize("job", ["../x", "a/b", ".x", "a:b"])
def test_job_whose_name_is_no_folders_is_refused(connection, tmp_path, job):
    with pytest.raises(UsageError, match="run name"), open_mirror(connection, job, tmp_path):
        pass


def test_two_do_not_fetch_into_one_folder(bring, connection, folder):
    first = open_mirror(connection, "the-run", folder.parent)
    with first, pytest.raises(RunInUseError, match="another process works on"):
        bring()


def test_file_that_goes_while_it_is_fetched_leaves_the_pass_incomplete(api, bring, folder):
    def remove(method, path):
        if path.endswith("config.yaml"):
            api.files.pop("trials.csv", None)

    api.on_request = remove
    bring()
    assert not bring.whole
    bring()
    assert bring.whole
    assert content(folder) == api.files


def test_thousands_of_bytes_are_counted_as_they_come(api, connection, tmp_path):
    api.files = {"config.yaml": b"{}\n", "model.ckpt": b"x" * 5000}
    told = []
    with open_mirror(connection, "the-run", tmp_path, lambda *pair: told.append(pair)) as mirror:
        mirror.bring_up_to_date()
        assert (mirror.files, mirror.size) == (2, 5003)
    assert told[-1] == (5003, 5003)
