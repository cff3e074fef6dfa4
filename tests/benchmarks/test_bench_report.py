from __future__ import annotations

import json

import bench_report
import pytest
from bench_report import (
    NOT_INSTALLED,
    Paired,
    machine,
    markdown,
    middle_and_range,
    versions,
    write_json,
)


def test_pairs_are_compared_pair_by_pair():
    # The ratio of both medians would be 3 / 2 = 1.5: it knows nothing of the pairs.
    paired = Paired(ours=[1.0, 3.0, 8.0], theirs=[1.0, 6.0, 2.0])
    assert paired.ratios == [1.0, 0.5, 4.0]
    assert paired.median == 1.0
    assert paired.spread == (0.5, 4.0)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], []), ([1.0], [1.0, 2.0])])
def test_values_without_a_partner_are_refused(ours, theirs):
    with pytest.raises(ValueError, match="no pairs"):
        Paired(ours, theirs)


def test_machine_names_processor_cores_load_and_python():
    told = machine()
    assert set(told) == {"processor", "cores", "load_before", "python"}
    assert told["processor"]
    assert told["cores"] >= 1
    assert len(told["load_before"]) == 3
    assert told["python"].startswith("3.")
    json.dumps(told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nmodel name\t: Fast CPU: 2\nmodel name\t: other\n", "Fast CPU: 2"),
        ("processor\t: 0\n", "made"),
        (None, "made"),
    ],
    ids=["named", "unnamed", "no file"],
)
def test_processor_is_what_the_system_calls_it(tmp_path, monkeypatch, text, expected):
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(bench_report, "CPU_INFO", file)
    monkeypatch.setattr(bench_report.platform, "processor", lambda: "")
    monkeypatch.setattr(bench_report.platform, "machine", lambda: "made")
    assert machine()["processor"] == expected


def test_versions_say_what_is_not_installed():
    found = versions("pytest", "no-such-distribution")
    assert found == {"pytest": pytest.__version__, "no-such-distribution": NOT_INSTALLED}


def test_markdown_puts_figures_to_the_right():
    assert markdown(["what", "s"], [["a|b", "1.0"], ["c", "2.0"]]) == (
        "| what | s |\n| --- | ---: |\n| a\\|b | 1.0 |\n| c | 2.0 |"
    )


def test_markdown_refuses_a_row_that_does_not_fit():
    with pytest.raises(ValueError, match=r"expected 2 cells a row, got \['a'\]"):
        markdown(["what", "s"], [["a"]])


def test_middle_and_range_is_a_median_with_its_extremes():
    assert middle_and_range([3.0, 1.0, 2.25]) == "2.25 (1.00 - 3.00)"
    assert middle_and_range([10.0, 20.0], digits=0) == "15 (10 - 20)"
    assert middle_and_range([]) == "-"


def test_json_holds_everything(tmp_path):
    path = tmp_path / "new" / "result.json"
    write_json(path, {"seconds": [0.1, 0.2], "file": tmp_path})
    assert json.loads(path.read_text()) == {"seconds": [0.1, 0.2], "file": str(tmp_path)}
    write_json(None, {})
    assert [each.name for each in path.parent.iterdir()] == ["result.json"]
