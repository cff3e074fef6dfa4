from __future__ import annotations

from hpo_torch.cli.figures import bar, clock, health_style, sparkline


def test_sparkline_spans_its_own_range():
    assert sparkline([1.0, 2.0, 3.0]) == "▁▄█"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([]) == ""


def test_clock():
    assert [clock(s) for s in (0, 59.9, 61, 3661)] == ["0:00", "0:59", "1:01", "1:01:01"]


def test_bar_is_full_at_one_and_never_longer():
    assert [bar(value, 4) for value in (0.0, 0.5, 1.0, 7.0)] == ["────", "━━──", "━━━━", "━━━━"]


def test_health_style_says_how_a_value_reads():
    assert [health_style(value) for value in (0.7, 0.69, 0.4, 0.39)] == [
        "green",
        "yellow",
        "yellow",
        "red",
    ]
