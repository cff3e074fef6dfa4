"""Which backends can take trials now: asked in a child process, which may import torch."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_runs import (
    environment_layer,
    installed_registry,
    readiness_of,
    resolve_config,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FRESH: Final = timedelta(seconds=60)
"""So old an answer may be; RunPod and the driver are asked no oftener."""
CHILD_SECONDS: Final = 60.0
FIRST_SECONDS: Final = 3.0
"""How long the very first request waits for an answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one backend.

    Attributes:
        ready: Whether it can take trials.
        reason: What it offers, or what is missing, for people.
    """

    ready: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What was found of all backends.

    Attributes:
        found: By name; of those that say it.
        checked: When; None before the first answer.
        problem: Why the last attempt found nothing; "" where it did.
    """

    found: dict[str, Found]
    checked: datetime | None = None
    problem: str = ""


class ReadinessReader:
    """Asks when it is asked, keeps the answer for `FRESH`, and asks anew in the background.

    Args:
        clock: Returns the time, UTC.
        command: Prints what `main` does.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        command: tuple[str, ...] = (sys.executable, "-m", "hpo_torch_server.readiness"),
    ) -> None:
        self._clock, self._command = clock, command
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._last = Readings({})
        self._tried: datetime | None = None

    def read(self) -> Readings:
        """Return the last answer; before there is one, wait a little for it."""
        now = self._clock()
        with self._lock:
            if self._asking is None and (self._tried is None or now - self._tried > FRESH):
                self._tried = now
                self._asking = threading.Thread(target=self._ask, name="readiness", daemon=True)
                self._asking.start()
            asking = self._asking
        if asking is not None and self._last.checked is None:
            asking.join(FIRST_SECONDS)
        return self._last

    def _ask(self) -> None:
        try:
            told = subprocess.run(  # noqa: S603 - our own program
                self._command, capture_output=True, text=True, timeout=CHILD_SECONDS, check=True
            )
            found = {name: Found(**each) for name, each in json.loads(told.stdout).items()}
            self._last = Readings(found, self._clock())
        except (
            OSError,
            subprocess.SubprocessError,
            ValueError,
            TypeError,
            AttributeError,
        ) as error:
            problem = f"backends could not be asked: {type(error).__name__}"
            self._last = Readings(self._last.found, self._last.checked, problem)
        finally:
            with self._lock:
                self._asking = None


def main() -> None:
    """Print what each backend that `auto` may choose says, as JSON by name."""
    settings = resolve_config([environment_layer()]).config.execution
    asked = [spec for spec in installed_registry().backends if spec.auto]
    found = {spec.name: asdict(readiness_of(spec, settings)) for spec in asked}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
