"""Watching and reading clients, hundreds in one process: part of server_load.py."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from websockets.asyncio.client import ClientConnection

WEBSOCKET_EVENT = re.compile(r'\{"type":"event","seq":(\d+),"event":')
WEBSOCKET_LAST = re.compile(r'\{"type": "(end|resync)"')
RETRY_SECONDS = 0.5
CONNECTS_A_SECOND = 50  # the server's own limit of requests is 100
# Each client of httpx would make its own, which takes 39 ms of CPU that are none of the server's.
TLS = ssl.create_default_context()
SMALL_BUFFER = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)]


class Tally:
    """What one client has heard, over all of its connections.

    Attributes:
        last: Number of the last event.
        events: How many it heard.
        repeated: Of those, how many it had before.
        lost: Numbers that were left out.
        connections: How often it connected.
        refused: How often it could not.
        resyncs: How often it was told to come again.
        ended: Whether it was told that the job has ended.
    """

    def __init__(self) -> None:
        self.last = self.events = self.repeated = self.lost = 0
        self.connections = self.refused = self.resyncs = 0
        self.ended = False
        self._content = hashlib.sha256()

    def hear(self, seq: int, line: bytes) -> None:
        """Count one event."""
        self.events += 1
        if seq <= self.last:
            self.repeated += 1
            return
        self.lost += seq - self.last - 1
        self.last = seq
        self._content.update(line + b"\n")

    def has_exactly(self, log: bytes) -> bool:
        """Whether the client heard each line of a log once, in order, as it is."""
        whole = log[: log.rfind(b"\n") + 1]
        heard_all = self.last == whole.count(b"\n") and not self.repeated and not self.lost
        return heard_all and self._content.digest() == hashlib.sha256(whole).digest()


@dataclass
class Client:
    """One who watches a job until its end, and comes again where it was when it is cut off.

    Attributes:
        url: Of the job, with http://.
        door: "sse" or "websocket".
        pause: Seconds that it takes over each piece of a few kilobytes; 0 is as fast as it can.
    """

    url: str
    door: str
    pause: float = 0.0
    tally: Tally = field(default_factory=Tally)

    async def watch(self) -> None:
        """Watch until the end; may be cancelled, and called again."""
        once = self._sse if self.door == "sse" else self._websocket
        while not self.tally.ended:
            try:
                await once()
            except (httpx.HTTPError, OSError, InvalidHandshake):
                self.tally.refused += 1
                await asyncio.sleep(RETRY_SECONDS)

    async def _sse(self) -> None:
        options = SMALL_BUFFER if self.pause else None
        transport = httpx.AsyncHTTPTransport(verify=TLS, socket_options=options)
        headers = {"Last-Event-ID": str(self.tally.last)}
        async with (
            httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(30, read=None)) as client,
            client.stream("GET", f"{self.url}/events", headers=headers) as answer,
        ):
            answer.raise_for_status()
            self.tally.connections += 1
            async for block in self._blocks(answer):
                self._hear_block(block)

    async def _blocks(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        rest = b""
        async for piece in answer.aiter_raw():
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                yield block
            if self.pause:
                await asyncio.sleep(self.pause)

    def _hear_block(self, block: bytes) -> None:
        parts = (line.partition(b": ") for line in block.split(b"\n"))
        fields = {name: value for name, _, value in parts}
        kind = fields.get(b"event")
        if kind == b"end":
            self.tally.ended = True
        elif kind == b"resync":
            self.tally.resyncs += 1
        elif b"id" in fields:
            self.tally.hear(int(fields[b"id"]), fields[b"data"])

    async def _websocket(self) -> None:
        url = f"{self.url.replace('http', 'ws', 1)}/events?after={self.tally.last}"
        async with connect(url, compression=None, max_size=None, open_timeout=30) as socket_:
            self.tally.connections += 1
            await self._messages(socket_)

    async def _messages(self, socket_: ClientConnection) -> None:
        try:
            async for message in socket_:
                assert isinstance(message, str)
                self._hear_message(message)
                if self.pause:
                    await asyncio.sleep(self.pause)
        except ConnectionClosed:
            return

    def _hear_message(self, message: str) -> None:
        if event := WEBSOCKET_EVENT.match(message):
            self.tally.hear(int(event[1]), message[event.end() : -1].encode())
        elif last := WEBSOCKET_LAST.match(message):
            self.tally.ended = last[1] == "end"
            self.tally.resyncs += last[1] == "resync"


def crowd(url: str, count: int, pause: float) -> list[Client]:
    """Return so many clients of a job, half at each door; the first one is slow.

    Args:
        url: Of the job.
        count: How many.
        pause: Seconds of the slow one over each piece.
    """
    doors = ("sse", "websocket")
    return [Client(url, doors[n % 2], pause if n == 0 else 0.0) for n in range(count)]


async def watch_all(clients: Sequence[Client]) -> None:
    """Have all watch until the end; they come one after the other, not all at once."""
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.watch())
            await asyncio.sleep(1 / CONNECTS_A_SECOND)


@dataclass
class Reads:
    """Requests at a steady rate, whether or not earlier ones have been answered.

    Attributes:
        base: The API's URL.
        paths: What is asked for in turn, below it.
        rate: Requests a second.
        settled: Whether what is asked from now on counts as `seconds`, not as `settling`.
        seconds: By path: from when each should have been sent until it was answered whole.
        settling: Likewise, while the watching clients were still coming.
        failed: Answers that are none of 200 and 304, by status.
    """

    base: str
    paths: Sequence[str]
    rate: float
    settled: bool = False
    seconds: dict[str, list[float]] = field(default_factory=dict)
    settling: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Ask until cancelled."""
        self.settled = False
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        async with (
            httpx.AsyncClient(timeout=30, limits=limits, verify=TLS) as client,
            asyncio.TaskGroup() as group,
        ):
            begin, number = time.perf_counter(), 0
            while True:
                due = begin + number / self.rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                path = self.paths[number % len(self.paths)]
                taken = (self.seconds if self.settled else self.settling).setdefault(path, [])
                group.create_task(self._ask(client, path, due, taken))
                number += 1

    async def _ask(
        self, client: httpx.AsyncClient, path: str, due: float, taken: list[float]
    ) -> None:
        try:
            answer: Any = await client.get(f"{self.base}{path}")
            outcome = str(answer.status_code)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        taken.append(time.perf_counter() - due)
        if outcome not in ("200", "304"):
            self.failed[outcome] = self.failed.get(outcome, 0) + 1
