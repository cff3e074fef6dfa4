"""The page in a browser: nothing on its console, nothing asked for outside, tables that sort."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")


@pytest.fixture
def browse(tmp_path):
    """Return a function: HTML -> (DOM after its scripts ran, lines on the console)."""

    def browse(text):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0")
        quiet = ("--disable-background-networking", "--no-first-run", "--disable-extensions")
        done = subprocess.run(
            [CHROMIUM, *flags, *quiet, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
             path.as_uri()],
            capture_output=True, text=True, timeout=100, check=True,
        )  # fmt: skip
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout, console

    return browse


def test_console_tells_of_a_request_that_the_policy_forbids(browse, tmp_path):
    """The next test's measure: without this one, silence would prove nothing."""
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    _, console = browse(f"{policy}<img src='https://example.invalid/x.png'>")
    assert len(console) == 1
    assert "example.invalid" in console[0]


def test_page_is_silent_and_hostile_names_stay_text(
    browse, build_run, twelve_trials, make_report, page_of
):
    hostile = ["<script>console.log('ran')</script>", "<img src=https://example.invalid/x>"]
    run = build_run(twelve_trials, make_report(2, names=hostile))
    dom, console = browse(page_of(run))
    assert console == []
    assert "&lt;script&gt;console.log" in dom
    # Its own script ran: headings of tables have become buttons.
    assert re.search(r"<th[^>]*><button type=\"button\">val accuracy</button></th>", dom)


def test_click_on_a_heading_sorts(browse, build_run, twelve_trials, page_of):
    """The page's own script, allowed to be joined by one that clicks."""
    text = page_of(build_run(twelve_trials))
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    click = "document.querySelectorAll('#trials thead button')[0].click();"
    dom, console = browse(text.replace("</body>", f"<script>{click}</script></body>"))
    assert console == []
    table = dom[dom.index('id="trials"') :]
    numbers = re.findall(r'<tr[^>]*><th scope="row">(\d+)</th>', table)[:12]
    assert numbers == [str(number) for number in range(12)]
