from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest
import report
from report import Part, benchmarks, page, run_part, summary

LONG = 60.0  # seconds; no part here takes so long
WORKS = """
import json, sys
assert sys.argv[1:3] == ["--small", "--json"]
print("| a | table |")
with open(sys.argv[3], "w") as file:
    json.dump({"median": 1.5}, file)
"""
FAILS = """
import sys
print("so far")
for number in range(100):
    print("line", number, file=sys.stderr)
sys.exit(3)
"""
HANGS = """
import pathlib, subprocess, sys, tempfile, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(100)"])
pathlib.Path(__file__).with_suffix(".pid").write_text(f"{child.pid} {tempfile.mkdtemp()}")
time.sleep(100)
"""
SILENT = "print('nothing to write')"


def script(tmp_path, code, name="made.py"):
    path = tmp_path / name
    path.write_text(code)
    return path


def test_a_part_that_works_has_its_table_and_its_result(tmp_path):
    part = run_part(script(tmp_path, WORKS), ["--small"], LONG)
    assert (part.name, part.failure, part.said) == ("made.py", "", "| a | table |")
    assert part.result == {"median": 1.5}
    assert part.seconds > 0


def test_a_part_that_fails_shows_the_end_of_what_it_said(tmp_path):
    part = run_part(script(tmp_path, FAILS), [], LONG)
    assert part.failure == "exit code 3"
    assert part.result is None
    assert part.complained.splitlines() == [f"line {number}" for number in range(75, 100)]
    assert page(part).splitlines()[2:6] == ["so far", "", "**Failed: exit code 3**", ""]
    assert page(part).endswith("line 99\n```")


def test_a_part_that_hangs_is_ended_with_what_it_has_started(tmp_path):
    path = script(tmp_path, HANGS)
    part = run_part(path, [], 4.0)
    assert part.failure == "no end in 4 s"
    child, folder = path.with_suffix(".pid").read_text().split()
    # Killed, but maybe not yet fetched by whoever is its parent now.
    gone = not psutil.pid_exists(int(child))
    assert gone or psutil.Process(int(child)).status() == psutil.STATUS_ZOMBIE
    assert not Path(folder).exists()


def test_a_part_without_a_result_has_failed(tmp_path):
    part = run_part(script(tmp_path, SILENT), [], LONG)
    assert (part.failure, part.said) == ("no result was written", "nothing to write")


def test_summary_says_how_each_part_has_ended():
    parts = [Part("a.py", 3.0, "", "", "", {}), Part("b.py", 4.4, "exit code 1", "", "", None)]
    assert summary(parts).splitlines()[2:] == [
        "| a.py | 3 | done |",
        "| b.py | 4 | exit code 1 |",
        "| all | 7 |  |",
    ]


@pytest.mark.parametrize(("codes", "expected"), [((WORKS, WORKS), 0), ((FAILS, WORKS), 1)])
def test_one_failed_part_makes_the_exit_code_and_the_others_still_run(
    tmp_path, monkeypatch, capsys, codes, expected
):
    names = [script(tmp_path, code, f"part_{n}.py").name for n, code in enumerate(codes)]
    written = tmp_path / "report.json"
    monkeypatch.setattr(report, "benchmarks", lambda _: {name: ["--small"] for name in names})
    monkeypatch.setattr(report, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["report.py", "--json", str(written)])
    assert report.main() == expected
    result = json.loads(written.read_text())
    assert [part["name"] for part in result["parts"]] == names
    assert result["parts"][1]["result"] == {"median": 1.5}
    assert "| a | table |" in capsys.readouterr().out


@pytest.mark.parametrize("data_dir", [None, "somewhere"])
def test_every_benchmark_of_the_report_exists_and_knows_its_options(data_dir):
    for name, arguments in benchmarks(data_dir).items():
        text = (report.HERE / name).read_text()
        given = [argument for argument in arguments if argument.startswith("--")]
        assert all(f'"{option}"' in text for option in [*given, "--json"]), name


def test_only_with_a_data_folder_mnist_is_trained():
    assert "digits" in benchmarks(None)["one_trial.py"]
    assert benchmarks("somewhere")["one_trial.py"] == ["--small", "--data-dir", "somewhere"]
