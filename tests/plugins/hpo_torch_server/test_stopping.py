from __future__ import annotations

import asyncio

import uvicorn

from hpo_torch_server.stopping import PromptServer


async def streams_for_ever(scope, receive, send):
    """An application with one answer that has no end before it is told."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await TOLD.wait()
    await send({"type": "http.response.body", "body": b"the end"})


TOLD = asyncio.Event()


def test_streams_are_told_before_the_server_waits_for_them():
    config = uvicorn.Config(streams_for_ever, port=0, log_level="warning", lifespan="off")
    server = PromptServer(config, TOLD.set)

    async def talk():
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        begin = await reader.readuntil(b"x\r\n")
        server.should_exit = True
        rest = await asyncio.wait_for(reader.read(), 60)
        await asyncio.wait_for(serving, 60)
        writer.close()
        return begin, rest

    begin, rest = asyncio.run(talk())
    assert b"200 OK" in begin
    assert rest == b"7\r\nthe end\r\n0\r\n\r\n"
