"""The page itself: contents and pictures through the template, and report.html written."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hpo_torch.plots.draw import PICTURES, Drawer
from hpo_torch.plots.style import Look
from hpo_torch.reporting import values
from hpo_torch.reporting.contents import contents_of
from hpo_torch.reporting.pictures import embed
from hpo_torch.results.atomic_files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.plots.draw import Drawing
    from hpo_torch.results.records import RunSummary
    from hpo_torch.results.summary import RunView

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PARTS: Final = {"study": "The search", "trial": "The best trial", "model": "The model"}


def write_report(view: RunView, path: Path | None = None) -> Path:
    """Draw a run's pictures anew, and write its page; nothing else is written.

    Args:
        view: The run, finished or not.
        path: The page; report.html in the run's folder by default.

    Raises:
        OutputError: A result cannot be read, or the page cannot be written.
    """
    with TemporaryDirectory() as folder:
        drawings = list(Drawer(view, Look(), Path(folder)).draw(PICTURES))
        return write_page(view, drawings, view.summary, path)


def write_page(
    view: RunView, drawings: Iterable[Drawing], summary: RunSummary | None, path: Path | None = None
) -> Path:
    """Write a run's page with pictures that have been drawn.

    Args:
        view: The run.
        drawings: Of the study, its best trial and model, as PNG or GIF.
        summary: What came of the run; None: it has not ended.
        path: The page; report.html in the run's folder by default.

    Raises:
        OutputError: A result or picture cannot be read, or the page cannot be written.
    """
    target = path or view.directory.report
    write_text(target, page(view, drawings, summary))
    return target


def page(view: RunView, drawings: Iterable[Drawing], summary: RunSummary | None) -> str:
    """Return the page as HTML; arguments and errors as of `write_page`.

    Every value is escaped, and a Content-Security-Policy keeps the page from asking for anything
    outside of itself, or running a script that is not its own.
    """
    shown, absent = embed(drawings)
    style, script = (_read(name) for name in ("report.css", "report.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": values.percent, "figure": values.figure}
    return environment.get_template("report.html").render(
        run=contents_of(view, summary),
        parts=[(words, [p for p in shown if p.of == part]) for part, words in _PARTS.items()],
        absent=absent,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own files, which a policy names by their hash
        script=Markup(script),  # noqa: S704
    )


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
