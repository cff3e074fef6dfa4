from __future__ import annotations

import base64
import json
import random
import zlib

import pytest
from pydantic import ValidationError

from hpo_torch.protocol.events import HealthAlert, TrainingFinished
from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_runpod.wire import (
    CHUNK_BYTES,
    Claimed,
    StoredArtefact,
    WireError,
    artefact_parts,
    decode_chunk,
    dump_line,
    encode_chunk,
    encode_chunks,
    join_parts,
    new_run,
    pack,
)

NOISE = random.Random(0).randbytes(2_000_000)  # cannot be compressed


def alert(message="m", epoch=1):
    return HealthAlert(trial=0, attempt="a", epoch=epoch, message=message)


def test_lines_come_back_in_order():
    lines = [
        alert("NaN is no number"),
        StoredArtefact(
            attempt="a", name="model.ckpt", sha256="0" * 64, size=5, url="s3://bucket/key"
        ),
        Claimed(attempt="b", by="job-1"),
        TrainingFinished(trial=0, attempt="a", outcome="completed"),
    ]
    (chunk,) = encode_chunks("run", map(dump_line, lines), first=4)
    assert (chunk["r"], chunk["n"]) == ("run", 4)
    assert decode_chunk(json.loads(json.dumps(chunk))) == ("run", 4, lines)


def test_no_lines_are_no_chunks():
    assert encode_chunks("run", [], first=0) == []


def test_many_lines_go_into_few_chunks_none_too_large():
    texts = [base64.b64encode(NOISE[n * 150_000 : (n + 1) * 150_000]).decode() for n in range(10)]
    lines = [alert(text, epoch=n) for n, text in enumerate(texts)]
    chunks = encode_chunks(new_run(), map(dump_line, lines), first=7)
    # 3 lines of 200 kB fit into a batch of 740 kB: 3 + 3 + 3 + 1
    assert [chunk["n"] for chunk in chunks] == [7, 8, 9, 10]
    assert all(len(json.dumps(chunk)) <= CHUNK_BYTES for chunk in chunks)
    assert [line for chunk in chunks for line in decode_chunk(chunk).lines] == lines


def test_long_line_that_compresses_well_travels_alone():
    lines = [alert("short"), alert("x" * 3_000_000), alert("short")]
    chunks = encode_chunks("run", map(dump_line, lines), first=0)
    assert [len(decode_chunk(chunk).lines) for chunk in chunks] == [1, 1, 1]


def test_line_too_large_for_a_chunk_is_refused_where_it_arises():
    with pytest.raises(WireError, match="expected at most 990,000 bytes in a chunk"):
        dump_line(alert(base64.b64encode(NOISE).decode()))


def test_line_that_could_not_be_read_back_is_refused_where_it_arises():
    impossible = HealthReading(value=0.5).model_copy(update={"value": 2.0})
    last = TrainingFinished(trial=0, attempt="a", outcome="completed", health={"x": impossible})
    with pytest.raises(WireError, match="training_finished cannot be read back"):
        dump_line(last)


@pytest.mark.parametrize("size", [0, 1, 539_000, 1_500_000])
def test_artefact_comes_back_whole_in_chunks_that_fit(size):
    content = NOISE[:size]
    parts = artefact_parts("a", "model.ckpt", content, pack(content))
    assert len(parts) == {0: 1, 1: 1, 539_000: 1, 1_500_000: 3}[size]
    chunks = encode_chunks(new_run(), map(dump_line, parts), first=0)
    assert all(len(json.dumps(chunk)) <= CHUNK_BYTES for chunk in chunks)
    received = [line for chunk in chunks for line in decode_chunk(chunk).lines]
    assert join_parts(list(reversed(received)) + received[:1]) == content


def test_artefact_with_a_part_missing_or_changed_is_noticed():
    parts = artefact_parts("a", "model.ckpt", NOISE, pack(NOISE))
    with pytest.raises(WireError, match=r"expected 4 parts, got \[0, 1, 3\]"):
        join_parts([parts[0], parts[1], parts[3]])
    other = artefact_parts("a", "model.ckpt", NOISE[::-1], pack(NOISE[::-1]))
    forged = [part.model_copy(update={"sha256": parts[0].sha256}) for part in other]
    with pytest.raises(WireError, match="SHA-256"):
        join_parts(forged)


def test_artefact_that_unpacks_to_more_than_it_says_is_not_unpacked():
    bomb = pack(b"\0" * 50_000_000)
    (part,) = artefact_parts("a", "model.ckpt", b"small", bomb)
    with pytest.raises(WireError, match="at most 5 bytes"):
        join_parts([part])


@pytest.mark.parametrize("name", ["../model.ckpt", "/etc/passwd", "a/b", "", ".hidden", "a\nb"])
def test_artefact_is_named_like_a_file_and_not_like_a_path(name):
    with pytest.raises(ValidationError):
        artefact_parts("a", name, b"", pack(b""))


@pytest.mark.parametrize(
    "chunk",
    [
        None,
        "text",
        {"r": "run", "n": 0},
        {"r": "run", "n": "0", "z": ""},
        {"n": 0, "z": encode_chunk("run", 0, [dump_line(alert())])["z"]},
        {"r": "run", "n": 0, "z": "no base64!"},
        {"r": "run", "n": 0, "z": base64.b64encode(b"no zlib").decode()},
        {"r": "run", "n": 0, "z": base64.b64encode(zlib.compress(b"no json")).decode()},
        {"r": "run", "n": 0, "z": base64.b64encode(zlib.compress(b'{"kind":"unknown"}')).decode()},
        {"r": "run", "n": 0, "z": base64.b64encode(zlib.compress(b"x" * 100)[:-5]).decode()},
        {"r": "run", "n": 0, "z": base64.b64encode(zlib.compress(b"\n" * 65_000_000)).decode()},
    ],
)
def test_chunk_that_is_none_is_refused(chunk):
    with pytest.raises(WireError):
        decode_chunk(chunk)


def test_chunk_of_epochs_is_far_smaller_than_its_lines():
    lines = [dump_line(alert("validation loss rises", epoch=n)) for n in range(100)]
    chunk = encode_chunk("run", 0, lines)
    assert len(json.dumps(chunk)) < sum(map(len, lines)) / 4


def test_a_number_of_parts_is_not_believed_in_memory():
    content = b"weights"
    (part,) = artefact_parts("a", "model.ckpt", content, pack(content))
    with pytest.raises(WireError, match="expected 1000000000000000 parts"):
        join_parts([part.model_copy(update={"parts": 10**15})])
    with pytest.raises(WireError, match="expected 1 parts"):
        join_parts([part.model_copy(update={"part": 1})])


def test_every_run_of_the_handler_has_an_id_of_its_own():
    assert len({new_run() for _ in range(100)}) == 100
