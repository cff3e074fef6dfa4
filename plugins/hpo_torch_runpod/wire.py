"""What a worker tells its client: the chunks that come back of a job.

They are a numbered sequence, each a compressed batch of lines. For each trial that a worker takes
these are, in order: the trial's events, then its artefacts (parts that come inline, or one word on
where they were stored), and last its `TrainingFinished`, so that whoever reads that has everything.
A trial that another job has taken gets one `Claimed` instead.

A job whose worker was lost may run again, while what the lost one had sent still arrives: so each
run of the handler numbers its chunks from 0 and marks them with an id of its own.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import Base64UrlBytes, Field, TypeAdapter, ValidationError

from hpo_torch.protocol.events import BackendEvent
from hpo_torch.protocol.measurements import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROTOCOL: Final = 2
"""Of this module. It changes whenever an older worker could misread a job or be misread."""

REFUSED: Final = "hpo-torch's worker refuses this job: "
"""How a job's error begins where no repetition can help: image and client do not fit."""

NO_DATA: Final = "hpo-torch's worker cannot have the data: "
"""How the message of an attempt begins that failed before it had its data.

One that "worker_died" may have had bad luck with its worker; where no worker of an endpoint has
ever trained, none can be expected to.
"""

CHUNK_BYTES: Final = 990_000
"""The most that a chunk takes as JSON. RunPod takes 1 MB (documentation, 2026-08)."""

INLINE_LIMIT: Final = 4_000_000
"""Compressed bytes of the largest artefact that comes inline."""

INLINE_LIMIT_OF_JOB: Final = 7_000_000
"""Compressed bytes of all artefacts that come inline with one job.

The worker posts all chunks of a job once more at its end, as base64: 9.3 MB of these. Users have
lost results of 19 MB (https://github.com/runpod-workers/worker-comfyui/issues/129); 10 MB are what
RunPod documents for a job's input.
"""

# Lines of so many bytes fit into a chunk even if they cannot be compressed: base64 adds a third.
_BATCH_BYTES = 740_000
# Of an artefact's compressed bytes; as a line of base64 with its other fields it fits a batch.
_PART_BYTES = 540_000
_MOST_UNPACKED = 64_000_000  # no chunk of ours is larger: a batch, or one line that compresses well


class WireError(ValueError):
    """What arrived is not what the other side may send."""


_FileName = Annotated[str, Field(pattern=r"^\w+(\.\w+)*$", max_length=100)]  # never a path
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Artefact(Frozen):
    """A file that an attempt has left.

    Attributes:
        attempt: The attempt.
        name: Name of the file ("model.ckpt").
        sha256: Of the file's content.
        size: Of the file's content, bytes.
    """

    attempt: str
    name: _FileName
    sha256: _Sha256
    size: int = Field(ge=0)


class ArtefactPart(Artefact):
    """Part number `part` (from 0) of `parts` of the file, compressed."""

    kind: Literal["artefact"] = "artefact"
    part: int = Field(ge=0)
    parts: int = Field(ge=1)
    data: Base64UrlBytes


class StoredArtefact(Artefact):
    """Where the worker has put the file: "s3://bucket/key"."""

    kind: Literal["stored"] = "stored"
    url: str


class Claimed(Frozen):
    """Another job trains this attempt, or has trained it: the one whose id is `by`."""

    kind: Literal["claimed"] = "claimed"
    attempt: str
    by: str


Line = BackendEvent | ArtefactPart | StoredArtefact | Claimed
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])

Chunk = dict[str, Any]
"""A chunk as JSON: {"r": id of the handler's run, "n": its number in that, from 0 without gaps,
"z": base64 of its lines' zlib}."""


class Batch(NamedTuple):
    """Lines, the id of the handler's run that said them, and their chunk's number in it."""

    run: str
    number: int
    lines: list[Line]


def new_run() -> str:
    """Return an id for one run of the handler."""
    return secrets.token_hex(6)


def dump_line(line: Line) -> bytes:
    """Return a line as JSON.

    Raises:
        WireError: The client could not read it, or it is too large for a chunk.
    """
    dumped = line.model_dump_json().encode()
    if not isinstance(line, ArtefactPart):  # those need no check, and checking takes its time
        try:
            _LINE.validate_json(dumped)
        except ValidationError as error:
            raise WireError(f"a line of kind {line.kind} cannot be read back: {error}") from error
    if len(dumped) > _BATCH_BYTES:
        encode_chunk(new_run(), 0, [dumped])
    return dumped


def encode_chunks(run: str, lines: Iterable[bytes], first: int) -> list[Chunk]:
    """Return dumped lines of a run in as few chunks as fit, numbered from `first`.

    Raises:
        WireError: A line is too large for a chunk; `dump_line` returns none such.
    """
    batches: list[list[bytes]] = []
    room = 0
    for line in lines:
        needed = len(line) + 1
        if needed > room:
            batches.append([])
            room = _BATCH_BYTES
        batches[-1].append(line)
        room -= needed
    return [encode_chunk(run, number, batch) for number, batch in enumerate(batches, first)]


def encode_chunk(run: str, number: int, lines: Sequence[bytes]) -> Chunk:
    """Return one chunk of a run's dumped lines.

    Raises:
        WireError: It takes more than `CHUNK_BYTES`.
    """
    content = b"\n".join(lines)
    packed = base64.b64encode(zlib.compress(content)).decode("ascii")
    if len(packed) + 80 > CHUNK_BYTES or len(content) > _MOST_UNPACKED:
        most = f"expected at most {CHUNK_BYTES:,} bytes in a chunk"
        raise WireError(f"{most}, got {len(packed):,} of {len(content):,} uncompressed")
    return {"r": run, "n": number, "z": packed}


def decode_chunk(chunk: object) -> Batch:
    """Return what is in a chunk, on the client.

    Raises:
        WireError: It is no chunk of this protocol.
    """
    match chunk:
        case {"r": str(run), "n": int(number), "z": str(packed)}:
            return Batch(run, number, [_parse(line) for line in _unpack(packed).split(b"\n")])
    raise WireError(f"expected a chunk with 'r', 'n' and 'z', got {str(chunk)[:200]}")


def pack(content: bytes) -> bytes:
    """Return a file's content compressed; its length decides how the file travels."""
    return zlib.compress(content)


def artefact_parts(attempt: str, name: str, content: bytes, packed: bytes) -> list[ArtefactPart]:
    """Return the lines of a file that comes inline; `packed` is what `pack` made of `content`."""
    starts = range(0, len(packed), _PART_BYTES)
    return [
        ArtefactPart(
            attempt=attempt,
            name=name,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            part=number,
            parts=len(starts),
            data=base64.urlsafe_b64encode(packed[start : start + _PART_BYTES]),
        )
        for number, start in enumerate(starts)
    ]


def join_parts(parts: Sequence[ArtefactPart]) -> bytes:
    """Return the file's content from all its parts, in any order, repeated ones too.

    Raises:
        WireError: A part is missing, or the content is not what was sent.
    """
    by_number = {part.part: part for part in parts}
    one = parts[0]
    if len(by_number) != one.parts or max(by_number) >= one.parts:
        raise WireError(f"{one.name}: expected {one.parts} parts, got {sorted(by_number)}")
    content = _inflate(b"".join(by_number[n].data for n in range(one.parts)), one.size)
    if len(content) != one.size or hashlib.sha256(content).hexdigest() != one.sha256:
        raise WireError(f"{one.name}: its SHA-256 is not the one of the file that was sent")
    return content


def _unpack(packed: str) -> bytes:
    try:
        return _inflate(base64.b64decode(packed, validate=True), _MOST_UNPACKED)
    except ValueError as error:  # binascii.Error is one; other letters than ASCII's another
        raise WireError(f"a chunk that is no base64: {error}") from error


def _inflate(packed: bytes, most: int) -> bytes:
    """Decompress to at most `most` bytes: a few kilobytes could become gigabytes."""
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(packed, most + 1)
    except zlib.error as error:
        raise WireError(f"compressed data are damaged: {error}") from error
    if len(content) > most or not decompressor.eof:
        raise WireError(f"expected compressed data of at most {most:,} bytes")
    return content


def _parse(line: bytes) -> Line:
    try:
        return _LINE.validate_json(line)
    except ValidationError as error:
        raise WireError(f"a line that cannot be read: {line[:200]!r}: {error}") from error
