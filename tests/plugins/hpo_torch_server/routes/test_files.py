from __future__ import annotations

import base64
import hashlib
import io
import zipfile

import anyio
import pytest
from told_run import ToldRun

from hpo_torch.plugin_runs import RunView, import_run
from hpo_torch.results.run_lock import run_lock

JOB = "/api/v1/jobs/first"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "secret").write_text("classified")
    made = ToldRun(tmp_path / "runs")
    made.begin()
    made.end(0)
    return made


@pytest.fixture
def app(api, run):
    return api.app


@pytest.fixture
def client(api, run):
    return api.client


def write(run, name, content):
    (run.path / name).parent.mkdir(parents=True, exist_ok=True)
    (run.path / name).write_bytes(content)


def digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_files_are_listed_in_pages(run, client):
    first = client.get(f"{JOB}/files", params={"limit": 2}).json()
    assert [each["path"] for each in first["items"]] == ["config.yaml", "events.jsonl"]
    rest = client.get(f"{JOB}/files", params={"cursor": first["next"]}).json()
    assert [each["path"] for each in rest["items"]] == [
        "trials.csv",
        "trials/0000/epochs.csv",
        "trials/0000/health.json",
        "trials/0000/result.json",
    ]
    assert (rest["next"], rest["total"]) == (None, 6)
    sizes = [each["size"] for each in first["items"] + rest["items"]]
    assert sum(sizes) == first["total_size"] == rest["total_size"]
    table = rest["items"][0]
    assert table["sha256"] == hashlib.sha256(run.directory.trials_table.read_bytes()).hexdigest()
    assert table["modified"].endswith("Z")


def test_while_a_process_works_what_may_change_has_no_digest(run, client):
    with run_lock(run.path):
        files = {each["path"]: each for each in client.get(f"{JOB}/files").json()["items"]}
        answer = client.get(f"{JOB}/files/events.jsonl")
    assert {path for path, each in files.items() if each["sha256"]} == {
        "config.yaml",
        "trials/0000/epochs.csv",
        "trials/0000/health.json",
        "trials/0000/result.json",
    }
    assert "repr-digest" not in answer.headers
    content = run.directory.events.read_bytes()
    assert answer.content == content
    assert client.get(f"{JOB}/files/events.jsonl").headers["repr-digest"] == digest(content)


def test_a_file_comes_whole_in_part_and_not_at_all(run, client):
    content = bytes(range(256)) * 3_000
    write(run, "best_model/model.ckpt", content)
    url = f"{JOB}/files/best_model/model.ckpt"
    whole = client.get(url)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["repr-digest"] == digest(content)
    part = client.get(url, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
    assert part.headers["repr-digest"] == digest(content)  # of the whole, RFC 9530
    assert client.get(url, headers={"Range": "bytes=-10"}).content == content[-10:]
    behind = client.get(url, headers={"Range": f"bytes={len(content)}-"})
    assert (behind.status_code, behind.headers["content-range"]) == (416, f"bytes */{len(content)}")
    known = client.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_a_part_is_only_of_the_content_whose_other_part_one_has(run, client):
    write(run, "best_model/model.ckpt", b"0123456789")
    url = f"{JOB}/files/best_model/model.ckpt"
    tag = client.get(url).headers["etag"]
    ask = {"Range": "bytes=5-", "If-Range": tag}
    assert client.get(url, headers=ask).content == b"56789"
    write(run, "best_model/new", b"abcdefghij")
    (run.path / "best_model/new").replace(run.path / "best_model/model.ckpt")
    answer = client.get(url, headers=ask)
    assert (answer.status_code, answer.content) == (200, b"abcdefghij")
    dated = {"Range": "bytes=5-", "If-Range": answer.headers["last-modified"]}
    assert client.get(url, headers=dated).status_code == 200  # a second may have many contents


def test_what_a_log_has_more_is_fetched_from_where_it_ended(run, client):
    url = f"{JOB}/files/events.jsonl"
    before = client.get(url).content
    run.start(1)
    more = client.get(url, headers={"Range": f"bytes={len(before)}-"})
    assert more.status_code == 206
    assert before + more.content == run.directory.events.read_bytes()


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("report.html", "text/html; charset=utf-8"),
        ("plots/a.svg", "image/svg+xml"),
        ("plots/a.png", "image/png"),
        ("x.bin", "application/octet-stream"),
        ("x.js", "application/octet-stream"),
    ],
)
def test_no_file_may_do_anything_in_a_browser(run, client, name, media):
    write(run, name, b"<script>alert(1)</script>")
    answer = client.get(f"{JOB}/files/{name}")
    assert answer.headers["content-type"] == media
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"sandbox", "default-src 'none'"} <= set(policy)
    assert not any(rule.startswith("script-src") for rule in policy)
    attached = answer.headers.get("content-disposition", "").startswith("attachment")
    assert attached == (media == "application/octet-stream")


def raw_status(app, path):
    """Ask as no client would: with a path that nothing has put right, as it comes decoded."""
    sent = []

    async def ask():
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1:8000")],
            "client": ("127.0.0.1", 5000),
            "server": ("127.0.0.1", 8000),
        }

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        await app(scope, receive, send)

    anyio.run(ask)
    body = b"".join(message.get("body", b"") for message in sent)
    assert b"classified" not in body
    return sent[0]["status"]


@pytest.mark.parametrize(
    "path",
    [
        "../../secret",
        "../secret",
        "trials/../../../secret",
        "/etc/passwd",
        "//etc/passwd",
        "..\\..\\secret",
        "config.yaml\0",
        "link",
        "linked/secret",
    ],
)
def test_no_path_leads_out_and_who_tried_is_noted(app, run, tmp_path, path):
    (run.path / "link").symlink_to(tmp_path / "secret")
    (run.path / "linked").symlink_to(tmp_path)
    assert raw_status(app, f"{JOB}/files/{path}") == 404
    entry = app.state.server.audit.entries()[-1]
    assert entry.action == "open file"
    assert entry.target.startswith("first: ")
    assert entry.outcome == "refused: outside of the run's folder"
    assert (entry.owner, entry.address) == ("local", "127.0.0.1")


def test_encoded_paths_are_no_way_out_either(client):
    for path in ("%2e%2e/%2e%2e/secret", "..%2f..%2fsecret", "%2fetc%2fpasswd", "a%00b"):
        assert client.get(f"{JOB}/files/{path}").status_code == 404


@pytest.mark.parametrize("path", ["nothing", "trials", ".engine.lock", "x" * 500])
def test_a_file_that_is_not_there_is_not_found(app, client, run, path):
    (run.path / ".engine.lock").write_text("")
    before = len(app.state.server.audit.entries())
    answer = client.get(f"{JOB}/files/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "no-file")
    assert len(app.state.server.audit.entries()) == before  # a wrong name is no attack


def test_pictures_are_of_the_run_or_of_a_trial(run, client):
    write(run, "plots/history.png", b"run's")
    write(run, "plots/health.svg", b"<svg/>")
    write(run, "plots/notes.bin", b"no picture")
    write(run, "trials/0000/plots/curves.gif", b"trial's")
    plots = client.get(f"{JOB}/plots").json()["plots"]
    assert [(each["name"], each["trial"]) for each in plots] == [
        ("health.svg", None),
        ("history.png", None),
    ]
    trials = client.get(f"{JOB}/plots", params={"trial": 0}).json()["plots"]
    assert trials[0]["path"] == "trials/0000/plots/curves.gif"
    assert client.get(f"{JOB}/plots/history.png").content == b"run's"
    assert client.get(f"{JOB}/plots/history").headers["content-type"] == "image/png"
    assert client.get(f"{JOB}/plots/health").headers["content-type"] == "image/svg+xml"
    assert client.get(f"{JOB}/plots/curves", params={"trial": 0}).content == b"trial's"
    assert client.get(f"{JOB}/plots/curves").status_code == 404
    assert client.get(f"{JOB}/plots", params={"trial": 9}).json() == {"plots": []}


def test_a_picture_is_no_way_out(app, run):
    assert raw_status(app, f"{JOB}/plots/..") == 404
    assert raw_status(app, f"{JOB}/plots/..\\..\\secret") == 404


def test_the_best_model_is_shown_and_downloaded(run, client):
    assert client.get(f"{JOB}/best-model").json()["type"] == "no-best-model"
    assert client.get(f"{JOB}/best-model/download").json()["type"] == "no-best-model"
    write(run, "best_model/model.ckpt", b"weights")
    write(run, "best_model/labels.json", b"[]")
    found = client.get(f"{JOB}/best-model").json()
    assert found["weights"] == "best_model/model.ckpt"
    assert [each["path"] for each in found["files"]] == [
        "best_model/labels.json",
        "best_model/model.ckpt",
    ]
    answer = client.get(f"{JOB}/best-model/download")
    assert answer.content == b"weights"
    assert answer.headers["content-disposition"] == 'attachment; filename="model.ckpt"'


def test_the_report_is_there_once_it_is_written(run, client):
    assert client.get(f"{JOB}/report").status_code == 404
    write(run, "report.html", b"<!DOCTYPE html>")
    answer = client.get(f"{JOB}/report")
    assert answer.content == b"<!DOCTYPE html>"
    assert "content-disposition" not in answer.headers


def test_a_whole_run_is_downloaded_while_it_goes_on(run, client, tmp_path):
    run.start(1)
    with run_lock(run.path):
        answer = client.get(f"{JOB}/download")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="first.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert "first/.engine.lock" not in archive.namelist()
    (tmp_path / "x.zip").write_bytes(answer.content)
    path = import_run(tmp_path / "x.zip", tmp_path / "elsewhere")
    assert RunView.open(path).trials == RunView.open(run.path).trials
    assert (path / "events.jsonl").read_bytes() == run.directory.events.read_bytes()


def test_a_job_that_is_not_there_has_no_files(client):
    for path in ("files", "files/x", "plots", "plots/x", "best-model", "report", "download"):
        answer = client.get(f"/api/v1/jobs/nothing/{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "no-job"), path
