"""The small versions of the benchmarks of speed, one after the other, on one page.

It is made for machines whose speed nobody knows, such as those that check each change: a part that
fails or hangs makes the exit code 1, slow figures never do. For figures to rely on, run the parts
by themselves, in full, on a machine that does nothing else.

Run: nox -s bench -- benchmarks/report.py [--data-dir DIR] [--json FILE] [--limit SECONDS]
Expect: less than four minutes on two cores; each part's header says what to expect of it. Without a
folder that has MNIST, all parts train on digits, which come with scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_report import machine, markdown, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = "--small"
HERE = Path(__file__).parent
TAIL_LINES = 25


@dataclass(frozen=True)
class Part:
    """One benchmark that has ended.

    Attributes:
        name: Its script's.
        seconds: That it took.
        failure: Why it counts as failed; "" of one that has not.
        said: What it has printed.
        complained: The end of what it said on stderr.
        result: What it wrote as JSON; None where it wrote nothing.
    """

    name: str
    seconds: float
    failure: str
    said: str
    complained: str
    result: Any


def benchmarks(data_dir: str | None) -> dict[str, list[str]]:
    """Return the scripts to run, each with the options that make it small."""
    digits = ["--network", "digits", "--rounds", "2"]
    return {
        "one_trial.py": [SMALL, "--data-dir", data_dir] if data_dir else digits,
        "throughput.py": [SMALL],
        "start_up.py": [SMALL],
    }


def run_part(script: Path, arguments: Sequence[str], limit: float) -> Part:
    """Run a benchmark, with all processes that it starts, for at most `limit` seconds."""
    # Of a part that is killed, here is what it would have removed at its end.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        written = Path(folder) / "result.json"
        command = [sys.executable, str(script), *arguments, "--json", str(written)]
        begin = time.monotonic()
        code, said, complained = _run(command, limit, folder)
        seconds = time.monotonic() - begin
        # Of a part that has failed or was killed, the file may be half written.
        whole = code == 0 and written.exists()
        result = json.loads(written.read_text(encoding="utf-8")) if whole else None
    return Part(
        name=script.name,
        seconds=seconds,
        failure=_failure(code, limit, written=whole),
        said=said.strip(),
        complained="\n".join(complained.splitlines()[-TAIL_LINES:]),
        result=result,
    )


def _failure(code: int | None, limit: float, *, written: bool) -> str:
    if code is None:
        return f"no end in {limit:.0f} s"
    if code:
        return f"exit code {code}"
    return "" if written else "no result was written"


def _run(command: Sequence[str], limit: float, folder: str) -> tuple[int | None, str, str]:
    """Return the exit code, None where it had to be killed, and what was said on both streams."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=os.environ | {"TMPDIR": folder},
        start_new_session=True,
    ) as process:
        try:
            said = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _kill(process)
            return None, *process.communicate()
        except BaseException:  # Ctrl-C does not reach another session
            _kill(process)
            raise
        return process.returncode, *said


def _kill(process: subprocess.Popen[str]) -> None:
    """End a program and all that it has started: its workers would go on measuring."""
    with suppress(ProcessLookupError):  # all have just ended
        os.killpg(process.pid, signal.SIGKILL)


def page(part: Part) -> str:
    """Return what a part has to say, in Markdown."""
    lines = [f"## {part.name}, {part.seconds:.0f} s", part.said]
    if part.failure:
        lines += [f"**Failed: {part.failure}**", f"```\n{part.complained}\n```"]
    return "\n\n".join(line for line in lines if line)


def summary(parts: Sequence[Part]) -> str:
    """Return a Markdown table of how the parts have ended."""
    rows = [[part.name, f"{part.seconds:.0f}", part.failure or "done"] for part in parts]
    total = ["all", f"{sum(part.seconds for part in parts):.0f}", ""]
    return markdown(["benchmark", "seconds", "ended"], [*rows, total])


def main() -> int:
    """Run all parts, print a page, and return the exit code."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data-dir", help="folder of data files that has MNIST")
    options.add_argument("--limit", type=float, default=240.0, help="seconds for each part")
    options.add_argument("--json", type=Path, help="file for everything that was measured")
    given = options.parse_args()
    where, parts = machine(), []
    print(f"# Benchmarks, small\n\n{where['processor']}, {where['cores']} cores", flush=True)
    for name, arguments in benchmarks(given.data_dir).items():
        parts.append(run_part(HERE / name, arguments, given.limit))
        print(f"\n{page(parts[-1])}", flush=True)
    print(f"\n{summary(parts)}")
    result = {"benchmark": "report", "machine": where, "parts": [asdict(part) for part in parts]}
    write_json(given.json, result)
    return int(any(part.failure for part in parts))


if __name__ == "__main__":
    sys.exit(main())
