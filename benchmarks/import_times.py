"""What importing costs, read from what `python -X importtime` has said: part of start_up.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench_report import markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

# "import time:       100 |        350 |   package.module": two spaces more a level.
LINE = re.compile(r"^import time: *(\d+) \| *(\d+) \| ( *)(\S+) *$")
OURS = "hpo_torch"  # how the names of the product's packages and plugins begin


@dataclass(frozen=True)
class Import:
    """One module's first import.

    Attributes:
        module: Its full name.
        own: Seconds, without what it imports.
        whole: Seconds, with that.
        by: The module that was being imported when it was; "" where a running function, or the
            interpreter itself, imported it.
    """

    module: str
    own: float
    whole: float
    by: str

    @property
    def package(self) -> str:
        """The outermost package."""
        return package_of(self.module)


def package_of(module: str) -> str:
    """Return a module's outermost package; "" of ""."""
    return module.partition(".")[0]


def read_imports(text: str) -> list[Import]:
    """Read the report of one process; lines of anything else are passed over.

    A module is reported after all that it imports, so who imported it is known from below.
    """
    found: list[Import] = []
    importing: list[str] = []  # one module a level, outermost first
    for line in reversed(text.splitlines()):
        if match := LINE.match(line):
            own, whole, indent, module = match.groups()
            level = len(indent) // 2
            by = importing[level - 1] if 0 < level <= len(importing) else ""
            importing[level:] = [module]
            found.append(Import(module, int(own) / 1e6, int(whole) / 1e6, by))
    return found[::-1]


def packages_table(imports: Sequence[Import], rows: int) -> str:
    """Return a Markdown table of the packages whose own modules took the longest."""
    seconds, modules = dict[str, float](), dict[str, int]()
    for each in imports:
        seconds[each.package] = seconds.get(each.package, 0.0) + each.own
        modules[each.package] = modules.get(each.package, 0) + 1
    dearest = sorted(seconds, key=lambda package: -seconds[package])[:rows]
    total = ["all", str(len(imports)), f"{1e3 * sum(seconds.values()):.0f}"]
    cells = [[name, str(modules[name]), f"{1e3 * seconds[name]:.0f}"] for name in dearest]
    return markdown(["package", "modules", "ms of its own"], [total, *cells])


def foreign(imports: Sequence[Import]) -> list[Import]:
    """Return what the product's own modules or functions imported of others, the dearest first."""
    asked = [
        each
        for each in imports
        if not each.module.startswith(OURS) and (not each.by or each.by.startswith(OURS))
    ]
    return sorted(asked, key=lambda each: -each.whole)


def foreign_table(imports: Sequence[Import], rows: int) -> str:
    """Return a Markdown table of the dearest imports by the product, with all that they bring."""
    cells = [
        [each.module, each.by or "main module or a function", f"{1e3 * each.whole:.0f}"]
        for each in foreign(imports)[:rows]
    ]
    return markdown(["import", "by", "ms with what it imports"], cells)
