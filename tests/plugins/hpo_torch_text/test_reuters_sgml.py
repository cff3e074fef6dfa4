from __future__ import annotations

import pytest

from hpo_torch.plugin_api import CorruptDataError
from hpo_torch_text.reuters_sgml import Document, parse_documents

HEAD = b'<!DOCTYPE lewis SYSTEM "lewis.dtd">\n'


def story(attributes: str, topics: str, text: bytes) -> bytes:
    """Write a story as the collection does, with its other elements and codes around."""
    return (
        (
            f'<REUTERS {attributes} CGISPLIT="TRAINING-SET" OLDID="5544" NEWID="1">\n'
            "<DATE>26-FEB-1987 15:01:01.79</DATE>\n"
            f"<TOPICS>{topics}</TOPICS>\n<PLACES><D>el-salvador</D><D>usa</D></PLACES>\n"
            "<PEOPLE></PEOPLE>\n<ORGS></ORGS>\n<EXCHANGES></EXCHANGES>\n<COMPANIES></COMPANIES>\n"
            "<UNKNOWN> \n&#5;&#5;&#5;C T\n&#22;&#22;&#1;f0704&#31;reute\n</UNKNOWN>\n"
        ).encode()
        + text
        + b"\n</REUTERS>\n"
    )


COCOA = story(
    'TOPICS="YES" LEWISSPLIT="TRAIN"',
    "<D>cocoa</D>",
    b"<TEXT>&#2;\n<TITLE>BAHIA COCOA &lt;XY.Z> REVIEW</TITLE>\n"
    b"<DATELINE>    SALVADOR, Feb 26 - </DATELINE><BODY>Showers &amp; sun, W\xfcrttemberg\n"
    b"5 &lt; 6 &amp;lt; 7.\n Reuter\n&#3;</BODY></TEXT>",
)


def parse(content: bytes) -> list[Document]:
    return list(parse_documents(content, "reut2-000.sgm"))


def test_parse_documents_joins_title_and_body_and_resolves_entities():
    assert parse(HEAD + COCOA) == [
        Document(
            split="TRAIN",
            indexed="YES",
            topics=("cocoa",),
            text="BAHIA COCOA <XY.Z> REVIEW\nShowers & sun, Württemberg\n5 < 6 &lt; 7.\n Reuter",
        )
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'<TEXT TYPE="BRIEF">&#2;\n******<TITLE>ACME SETS SPLIT</TITLE>\nBlah.\n&#3;\n\n</TEXT>',
         "ACME SETS SPLIT"),
        (b'<TEXT TYPE="UNPROC">&#2;\nSHR 3 CTS\n  NET 2 MLN &amp; MORE\n&#3;\n</TEXT>',
         "SHR 3 CTS\n  NET 2 MLN & MORE"),
        (b"<TEXT>&#2;\n<TITLE>ONLY A TITLE</TITLE>\n&#3;</TEXT>", "ONLY A TITLE"),
        (b"<TEXT>&#2;\n<BODY>only a body\n&#3;</BODY></TEXT>", "only a body"),
        (b"<TEXT>&#2;\n<AUTHOR>    by A. B.</AUTHOR>\n<TITLE>T</TITLE><BODY>b&#3;</BODY></TEXT>",
         "T\nb"),
        (b"<TEXT>&#2;&#3;</TEXT>", ""),
        (b"<TEXT>&#2;<BODY>a\x1eb\x02\x7fc\td\n</BODY></TEXT>", "a b c\td"),
    ],
    ids=["brief", "unproc", "no body", "no title", "author", "nothing", "control characters"],
)  # fmt: skip
def test_parse_documents_reads_every_form_of_text(text: bytes, expected: str):
    (document,) = parse(HEAD + story('TOPICS="YES" LEWISSPLIT="TEST"', "", text))
    assert document.text == expected
    assert document.topics == ()
    assert document.split == "TEST"


def test_parse_documents_keeps_attributes_and_all_topics():
    content = HEAD + b"".join(
        [
            story('TOPICS="YES" LEWISSPLIT="TEST"', "<D>grain</D><D>wheat</D>", b"<TEXT></TEXT>"),
            story('TOPICS="NO" LEWISSPLIT="TRAIN" CSECS="12345"', "", b"<TEXT></TEXT>"),
            story('TOPICS="BYPASS" LEWISSPLIT="NOT-USED"', "<D>earn</D>", b"<TEXT></TEXT>"),
        ]
    )
    assert [(each.split, each.indexed, each.topics) for each in parse(content)] == [
        ("TEST", "YES", ("grain", "wheat")),
        ("TRAIN", "NO", ()),
        ("NOT-USED", "BYPASS", ("earn",)),
    ]


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        (b"", "0 beginnings and 0 whole"),
        (HEAD + COCOA + COCOA[:-20], "2 beginnings and 1 whole"),
        (HEAD + COCOA[:-20] + COCOA, "2 beginnings and 1 whole"),
    ],
    ids=["empty", "cut at the end", "cut inside"],
)
def test_parse_documents_refuses_a_damaged_file(content: bytes, numbers: str):
    with pytest.raises(CorruptDataError, match=rf"reut2-000\.sgm: .*{numbers}"):
        parse(content)
