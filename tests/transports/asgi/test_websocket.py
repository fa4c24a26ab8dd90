"""The connection, with a server driven by hand: receiving and sending."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable
from typing import Any

import pytest

from hubstream.transports.asgi import websocket as module
from hubstream.types import Message
from tests.transports.asgi.driven import Server, Trusted, settle, text
from tests.transports.asgi.opened import KINDS, Cut, opened

# ---- receiving


async def test_what_is_ready_is_one_read() -> None:
    it = await opened()
    it.server.gives(text("a"), text("b"), {"type": "websocket.receive", "bytes": b"c", "text": None})
    await settle()
    assert it.handler.seen == [b"a", b"b", b"c", "read done"]
    it.server.gives(text("d"))
    await settle()
    assert it.handler.seen[4:] == [b"d", "read done"]
    await it.over()
    assert it.handler.seen[6:] == [("lost", True), "ended"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"text": "é"}, b"\xc3\xa9"),
        ({"text": "a", "bytes": None}, b"a"),
        ({"bytes": b"a", "text": None}, b"a"),
        ({"bytes": bytearray(b"a")}, b"a"),
        ({"bytes": memoryview(b"a")}, b"a"),
    ],
)
async def test_text_or_bytes(message: dict[str, Any], expected: bytes) -> None:
    it = await opened()
    it.server.gives({"type": "websocket.receive", **message})
    await settle()
    assert it.handler.seen[0] == expected
    assert type(it.handler.seen[0]) is bytes
    await it.over()


async def test_empty_messages_and_unknown_events() -> None:
    it = await opened()
    it.server.gives(
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": b""},
        {"type": "websocket.receive"},
        {"type": "websocket.other"},
        text("a"),
    )
    await settle()
    assert it.handler.seen == [b"a", "read done"]
    await it.over()


async def test_the_loop_gets_its_turn() -> None:
    it = await opened()
    turns: list[int] = []
    it.handler.on_received = lambda data: turns.append(loops)
    loops = 0
    it.server.gives(*(text("x") for _ in range(3 * module.ROW)))
    while len(turns) < 3 * module.ROW:
        loops += 1
        await asyncio.sleep(0)
    assert len(set(turns)) == 3
    assert max(map(turns.count, turns)) == module.ROW
    await it.over()


LONG = "".join(f"{n:x}," for n in range(60_000))
"""A message of several pieces."""


async def test_a_message_of_any_length_leaves_the_loop_its_turns() -> None:
    it = await opened()
    turns: list[int] = []
    it.handler.on_received = lambda data: turns.append(loops)
    loops = 0
    it.server.gives(text(LONG), text("next"))
    async with asyncio.timeout(5):
        while b"next" not in it.handler.seen:
            loops += 1
            await asyncio.sleep(0)
    await settle()
    pieces = [data for data in it.handler.seen if isinstance(data, bytes)]
    assert b"".join(pieces) == (LONG + "next").encode()
    assert max(map(len, pieces)) == module.PIECE
    assert len(set(turns)) == -(-len(LONG) // module.PIECE), "the loop turned between any two"
    assert it.handler.seen.count("read done") == len(set(turns)), "what each of them gave has left"
    await it.over()


async def test_pausing_inside_a_message() -> None:
    it = await opened()
    it.handler.on_received = lambda data: it.connection.pause_reading()
    it.server.gives(text(LONG), text("next"))
    await settle()
    assert it.handler.seen == [LONG[: module.PIECE].encode(), "read done"]
    it.handler.on_received = lambda data: None
    it.connection.resume_reading()
    await it.handler.until(b"next")
    assert b"".join(data for data in it.handler.seen if isinstance(data, bytes)) == (LONG + "next").encode()
    await it.over()


@pytest.mark.parametrize("end", ["close", "abort"])
@pytest.mark.parametrize("paused", [False, True])
async def test_an_end_inside_a_message_drops_the_rest(end: str, paused: bool) -> None:
    it = await opened()

    def first(data: bytes) -> None:
        if paused:
            it.connection.pause_reading()
        asyncio.get_running_loop().call_soon(getattr(it.connection, end))

    it.handler.on_received = first
    it.server.gives(text(LONG))
    await it.over()
    assert it.handler.seen[:2] == [LONG[: module.PIECE].encode(), "read done"]
    assert not any(isinstance(data, bytes) for data in it.handler.seen[1:])


@pytest.mark.parametrize(
    ("code", "graceful"), [(1000, True), (1001, True), (1005, False), (1006, False), (1011, False), (1012, False)]
)
async def test_what_is_graceful(code: int, graceful: bool) -> None:
    it = await opened()
    it.server.gives(text("a"))
    await it.over(code)
    assert it.handler.seen == [b"a", "read done", ("lost", graceful), "ended"]
    assert not it.sent


async def test_a_disconnect_without_a_code() -> None:
    it = await opened()
    it.server.gives({"type": "websocket.disconnect"})
    await it.done()
    assert it.handler.seen[0] == ("lost", False)


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("not connected"), KeyError("bug")])
@pytest.mark.parametrize("ready", [True, False])
async def test_a_receive_that_raises(error: Exception, ready: bool, caplog: pytest.LogCaptureFixture) -> None:
    it = await opened()
    if ready:
        it.server.gives(text("a"))
    it.server.gives(error)
    await it.done()
    assert it.handler.seen[-2:] == [("lost", False), "ended"]
    assert bool(caplog.records) is isinstance(error, KeyError)
    assert not it.sent


async def test_a_receive_that_is_no_coroutine() -> None:
    class Futures(Trusted):
        def receive(self) -> Awaitable[Message]:  # type: ignore[override]  # as granian's
            return asyncio.ensure_future(super().receive())

    it = await opened(Futures())
    it.server.gives(text("a"), text("b"))
    await settle()
    assert it.handler.seen == [b"a", "read done", b"b", "read done"]
    await it.over()


async def test_reading_paused() -> None:
    it = await opened()
    it.server.gives(text("a"))
    await settle()
    it.connection.pause_reading()
    it.server.gives(text("on its way"), text("held"))
    await settle()
    await settle()
    assert it.handler.seen == [b"a", "read done", b"on its way", "read done"]
    it.connection.resume_reading()
    it.connection.resume_reading()
    await settle()
    assert it.handler.seen[4:] == [b"held", "read done"]
    await it.over()


async def test_reading_paused_while_a_message_is_handled() -> None:
    it = await opened()
    it.handler.on_received = lambda data: it.connection.pause_reading()
    it.server.gives(text("a"), text("b"))
    await settle()
    assert it.handler.seen == [b"a", "read done"]
    it.connection.resume_reading()
    await settle()
    assert it.handler.seen == [b"a", "read done", b"b", "read done"]
    it.handler.on_received = lambda data: None
    it.connection.resume_reading()
    await it.over()


# ---- sending


@pytest.mark.parametrize("kind", KINDS)
async def test_write_text_then_bytes(kind: type[Server]) -> None:
    it = await opened(kind())
    it.connection.write("é".encode())
    it.connection.use_binary(True)
    it.connection.write(b"\xff")
    await settle()
    assert it.sent == [{"type": "websocket.send", "text": "é"}, {"type": "websocket.send", "bytes": b"\xff"}]
    assert it.connection.paused is False
    await it.over()


async def test_a_write_goes_at_once_and_without_a_task() -> None:
    it = await opened()
    asyncio.get_running_loop().call_soon(it.connection.write, b"a")
    await settle()
    assert it.server.in_tasks == [True, False]
    assert it.connection.paused is False
    assert it.handler.seen == []
    await it.over()


async def test_a_send_that_is_not_the_servers_own_is_never_stepped() -> None:
    it = await opened(Server())
    loop = asyncio.get_running_loop()
    loop.call_soon(it.connection.write, b"a")
    loop.call_soon(it.connection.write, b"b")
    await settle()
    assert it.server.in_tasks == [True, True, True]
    assert it.payloads == ["a", "b"]
    assert it.handler.seen == ["writable"]
    await it.over()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_transport_pauses_and_keeps_the_order(kind: type[Server]) -> None:
    it = await opened(kind())
    it.server.room.clear()
    for number in range(5):
        it.connection.write(b"%d" % number)
        assert it.connection.paused is True
    it.connection.use_binary(True)
    it.connection.write(b"5")
    await settle()
    assert it.sent == []
    more = [b"6"]

    def write_more() -> None:
        while more:
            it.connection.write(more.pop())

    it.handler.on_writable = write_more
    it.server.room.set()
    await settle()
    assert it.payloads == ["0", "1", "2", "3", "4", b"5", b"6"]
    assert it.connection.paused is False
    await it.over()
    assert it.handler.seen.count("writable") == (1 if kind is Trusted else 2)


async def test_a_send_runs_in_the_context_of_the_servers_call() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="the call's")
    seen: list[str] = []

    class Notes(Server):
        async def send(self, message: Message) -> None:
            seen.append(variable.get())
            await super().send(message)

    it = await opened(Notes())
    variable.set("the writer's")
    it.connection.write(b"a")
    await settle()
    assert seen == ["the call's"] * 2
    await it.over()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed"), KeyError("bug")])
async def test_a_send_that_fails(kind: type[Server], error: Exception) -> None:
    it = await opened(kind())
    it.server.fault = error
    it.connection.write(b"a")
    it.connection.write(b"b")
    await settle()
    it.connection.write(b"c")
    assert it.connection.paused is True
    it.server.fault = None
    it.server.gives(text("sent before it died"))
    await settle()
    assert it.handler.seen == [b"sent before it died", "read done"]
    await it.over(1006)
    assert it.handler.seen == [b"sent before it died", "read done", ("lost", False), "ended"]
    assert it.sent == []


async def test_a_waiting_send_that_fails() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    it.server.fault = OSError("gone")
    it.server.room.set()
    await settle()
    assert it.connection.paused is True
    assert "writable" not in it.handler.seen
    await it.over(1006)


async def test_a_send_fails_and_the_server_never_tells_of_a_disconnect() -> None:
    it = await opened()
    it.server.fault = OSError("gone")
    it.connection.write(b"a")
    it.connection.due(it.site.clock.loop.time() + module.CLOSE_TIMEOUT + 0.1)
    await it.done()
    assert it.handler.seen == [("lost", False), "ended"]


async def test_lost_while_a_send_waits() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    await it.over(1006)
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.sent == []


async def test_a_peer_that_takes_nothing_is_reset() -> None:
    it = await opened(Cut())
    it.server.room.clear()
    it.connection.write(b"a")
    now = it.site.clock.loop.time()
    it.connection.due(now + 9.9)
    await settle()
    assert it.handler.seen == []
    it.connection.due(now + 10.1)
    await it.done()
    assert it.handler.seen == [("lost", False), "ended"]
    assert it.sent == []
    assert isinstance(it.server, Cut)
    assert it.server.aborts == 1


@pytest.mark.parametrize(("closing", "seconds"), [(False, 10.0), (True, module.CLOSE_TIMEOUT)])
async def test_a_loop_that_slept_gives_the_peer_its_time_anew(closing: bool, seconds: float) -> None:
    it = await opened(Cut())
    it.server.room.clear()
    if closing:
        it.connection.close()
    else:
        it.connection.write(b"a")
    await settle()
    now = it.site.clock.loop.time() + 100
    it.connection.overslept(now)
    it.connection.due(now + seconds - 0.1)
    await settle()
    assert it.handler.seen == []
    it.connection.due(now + seconds)
    await it.done()
    assert isinstance(it.server, Cut)
    assert it.server.aborts == 1


async def test_time_starts_anew_with_each_frame_taken() -> None:
    it = await opened()
    it.server.room.clear()
    it.connection.write(b"a")
    it.connection.write(b"b")
    before = it.site.clock.loop.time()
    it.connection.overslept(before + 100)
    it.connection.due(before + 100 + module.CLOSE_TIMEOUT - 0.1)
    await settle()
    assert it.handler.seen == []
    it.server.room.set()
    await settle()
    assert it.payloads == ["a", "b"]
    await it.over()
