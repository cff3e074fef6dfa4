"""The original SGML files of Reuters-21578, distribution 1.0 (reut2-000.sgm to reut2-021.sgm).

They are one flat element after another, in Latin-1 with a few control characters, and "<" inside
texts is always "&lt;": so regular expressions read them exactly. The format is described in the
collection's README by David D. Lewis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOCUMENT = re.compile(r"<REUTERS\s([^>]*)>(.*?)</REUTERS>", re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
_TOPICS = re.compile(r"<TOPICS>(.*?)</TOPICS>", re.DOTALL)
_TOPIC = re.compile(r"<D>(.*?)</D>", re.DOTALL)
_TEXT = re.compile(r"<TEXT([^>]*)>(.*?)</TEXT>", re.DOTALL)
_TITLE = re.compile(r"<TITLE>(.*?)</TITLE>", re.DOTALL)
_BODY = re.compile(r"<BODY>(.*?)</BODY>", re.DOTALL)
_ENTITY = re.compile(r"&(lt|gt|amp|#\d+);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Document:
    """One news story.

    Attributes:
        split: "TRAIN", "TEST" or "NOT-USED" (the attribute LEWISSPLIT).
        indexed: The attribute TOPICS: "YES", "NO" or "BYPASS"; only with "YES" were topics given
            by hand, be it none.
        topics: Names of its topics.
        text: Title, line break, body; a text without that structure (UNPROC) as a whole.
    """

    split: str
    indexed: str
    topics: tuple[str, ...]
    text: str


def parse_documents(content: bytes, source: str) -> Iterator[Document]:
    """Yield every story of one file, in order.

    Args:
        content: The file's bytes.
        source: Names the file in the message of an error.

    Raises:
        CorruptDataError: The file is cut off, or no such file.
    """
    markup = content.decode("latin-1")
    found = list(_DOCUMENT.finditer(markup))
    begun = markup.count("<REUTERS")
    if not found or len(found) != begun:
        raise CorruptDataError(
            f"{source}: expected complete <REUTERS> elements, got {begun} beginnings and "
            f"{len(found)} whole ones. Delete it and run again."
        )
    for match in found:
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        inside = match[2]
        topics = _TOPICS.search(inside)
        yield Document(
            split=attributes.get("LEWISSPLIT", ""),
            indexed=attributes.get("TOPICS", ""),
            topics=tuple(_plain(topic) for topic in _TOPIC.findall(topics[1])) if topics else (),
            text=_text(inside),
        )


def _text(inside: str) -> str:
    text = _TEXT.search(inside)
    if text is None:
        return ""
    if dict(_ATTRIBUTE.findall(text[1])).get("TYPE") == "UNPROC":
        return _plain(text[2])
    parts = (pattern.search(text[2]) for pattern in (_TITLE, _BODY))
    return "\n".join(_plain(part[1]) for part in parts if part)


def _plain(markup: str) -> str:
    """Resolve entities, and drop control characters (Reuters' own codes, "&#3;" at the end)."""
    resolved = _ENTITY.sub(_resolve, markup)
    return _CONTROL.sub(" ", resolved).strip()


def _resolve(entity: re.Match[str]) -> str:
    name = entity[1]
    return chr(int(name[1:])) if name.startswith("#") else _ENTITIES[name]
