"""Two worker processes behind one port: a WebSocket may come to the one that did not negotiate it."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.transports.asgi.sockets import RawRequest, request

LIMIT = 30.0
HANDSHAKE = '{"protocol":"json","version":1}\x1e'
PID = '{"type":1,"invocationId":"1","target":"pid","arguments":[]}\x1e'

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this system cannot share a port")


class Workers:
    def __init__(self, port: int) -> None:
        self.port = port
        self.log = b""

    async def negotiate(self) -> tuple[str, int]:
        """A token, and the process that gave it out."""
        raw = await RawRequest.send(self.port, "POST", "/worker/negotiate?negotiateVersion=1")
        assert await raw.status() == 200
        token = json.loads(await raw.body())["connectionToken"]
        await raw.close()
        (pid,) = [line.split(b":")[1] for line in raw.head.split(b"\r\n") if line.startswith(b"x-worker:")]
        return token, int(pid)

    async def attach(self, token: str) -> int | None:
        """The process that took the WebSocket, by its hub's word; None if it was refused as unknown."""
        url = f"ws://127.0.0.1:{self.port}/worker?id={token}"
        try:
            async with asyncio.timeout(LIMIT), connect(url, proxy=None, open_timeout=LIMIT) as client:
                await client.send(HANDSHAKE + PID)
                answers = ""
                while "result" not in answers:
                    answers += str(await client.recv())
                return int(json.loads(answers.split("\x1e")[1])["result"])
        except InvalidStatus as error:
            refusal = error.response
        assert (refusal.status_code, refusal.body) == (404, b"No Connection with that ID")
        return None


@asynccontextmanager
async def workers(*secret: str) -> AsyncGenerator[Workers]:
    processes: list[asyncio.subprocess.Process] = []
    made = Workers(0)
    try:
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.transports.asgi.worker",
                str(made.port),
                *secret,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            processes.append(process)
            assert process.stdout is not None
            async with asyncio.timeout(LIMIT):
                made.port = int(await process.stdout.readline())
        yield made
    finally:
        for process in processes:
            process.terminate()
            async with asyncio.timeout(LIMIT):
                _, log = await process.communicate()
            made.log += log


async def test_with_a_secret_either_takes_it_and_once() -> None:
    async with workers("a secret of at least 16 bytes") as both:
        crossed: set[tuple[int, int]] = set()
        for _ in range(200):
            token, negotiator = await both.negotiate()
            taker = await both.attach(token)
            assert taker is not None
            if taker != negotiator:
                crossed.add((negotiator, taker))
                # The one that took it takes it no more; the other may, once.
                again = [await both.attach(token) for _ in range(12)]
                assert again.count(None) >= 11
                assert set(again) <= {None, negotiator}
            if len(crossed) == 2:
                break
        assert len(crossed) == 2
        token, _ = await both.negotiate()
        tampered = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
        assert [await both.attach(tampered) for _ in range(6)] == [None] * 6
    assert b"secret=" not in both.log


async def test_without_a_secret_the_other_refuses_and_names_the_cure() -> None:
    async with workers() as both:
        refused = 0
        for _ in range(200):
            token, negotiator = await both.negotiate()
            taker = await both.attach(token)
            assert taker in {None, negotiator}
            refused += taker is None
            if refused == 4:
                break
        assert refused == 4
    assert 1 <= both.log.count(b"secret=") <= 2


async def test_event_streams_and_polls_stay_where_they_were_negotiated() -> None:
    async with workers("a secret of at least 16 bytes") as both:
        seen: set[int] = set()
        for _ in range(200):
            token, _ = await both.negotiate()
            seen.add((await request(both.port, "GET", f"/worker?id={token}"))[0])
            if len(seen) == 2:
                break
        assert seen == {200, 404}
    assert b"sticky sessions" in both.log
