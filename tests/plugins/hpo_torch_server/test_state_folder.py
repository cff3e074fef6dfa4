from __future__ import annotations

import stat

import pytest
from server_database import opened, settings

from hpo_torch.config.load import file_layer, resolve_config
from hpo_torch.errors import OutputError, UsageError
from hpo_torch_server.job_store import JobStore
from hpo_torch_server.state_folder import StateFolder, heading


@pytest.fixture
def folder(tmp_path):
    return StateFolder(tmp_path / "state")


def says(folder, *texts):
    log = folder.log("a")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        for start, text in enumerate(texts, 1):
            file.write(heading(start, "now hpo-torch optimize") + text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("warning: late\nerror: no such thing.\n", "no such thing."),
        ("error: one\nwarning: x\nerror: two\nlines\n", "two\nlines"),
        ("Traceback ...\nKeyError: 'x'\n", "Traceback ...\nKeyError: 'x'"),
        ("an error: in the middle\n", "an error: in the middle"),
        ("\n".join(map(str, range(100))), "\n".join(map(str, range(80, 100)))),
        ("x" * 200_000, "x" * 4000),
    ],
)
def test_last_words_are_the_error_or_the_last_lines(folder, text, words):
    says(folder, text)
    assert folder.last_words("a") == words


def test_last_words_are_those_of_the_last_process(folder):
    says(folder, "error: before\n", "")
    assert folder.last_words("a") == ""
    assert folder.last_words("b") == ""


def test_settings_are_those_of_the_job(folder, tmp_path):
    for engine in opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"):
        row = JobStore(engine, tmp_path / "runs").create("ann", settings(trials=7), "a")
    folder.write_config(row)
    config = resolve_config([file_layer(folder.config("a"))]).config
    assert config.search.trials == 7
    assert (config.output.dir, config.output.name) == (str(tmp_path / "runs"), "a")
    stranger = row.model_copy(update={"config": {"search": {"gone": 1}}})
    with pytest.raises(UsageError, match="job 'a' was made by another version"):
        folder.write_config(stranger)
    folder.remove("a")
    assert not folder.config("a").parent.exists()
    folder.remove("a")


def test_folder_is_nobody_elses(folder, tmp_path):
    for engine in opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"):
        folder.take(engine)
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        with pytest.raises(UsageError, match="another server works on"):
            StateFolder(folder.path).take(engine)
        folder.release()
        folder.release()
        StateFolder(folder.path).take(engine)


def test_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    for engine in opened(f"sqlite:///{tmp_path / 'server.sqlite3'}"):
        with pytest.raises(OutputError, match="cannot write"):
            StateFolder(tmp_path / "file" / "state").take(engine)


def test_refused_folder_is_free_for_its_own_server(folder, tmp_path):
    databases = [f"sqlite:///{tmp_path / name}" for name in ("ours.sqlite3", "theirs.sqlite3")]
    for engine in opened(databases[1]):
        theirs = StateFolder(tmp_path / "theirs")
        theirs.take(engine)
        with pytest.raises(UsageError, match="belongs to the server of another folder"):
            folder.take(engine)
    for engine in opened(databases[0]):
        folder.take(engine)
