from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from hubstream.connection import memory
from hubstream.connection.memory import MemoryConnection, pair


class Recorder:
    """A handler that notes what it is told."""

    def __init__(self, connection: MemoryConnection) -> None:
        self.connection = connection
        self.events: list[object] = []

    def received(self, data: bytes) -> None:
        self.events.append(data)

    def read_done(self) -> None:
        self.events.append("done")

    def writable(self) -> None:
        self.events.append("writable")

    def reattached(self) -> None: ...

    def lost(self, graceful: bool) -> None:
        self.events.append(("lost", graceful))

    async def ended(self) -> None: ...


def joined(high: int = 65_536) -> tuple[Recorder, Recorder]:
    one, other = (Recorder(connection) for connection in pair(asyncio.get_running_loop(), high=high))
    one.connection.attach(one)
    other.connection.attach(other)
    return one, other


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_writes_arrive_later_in_order_then_read_done() -> None:
    one, other = joined()
    one.connection.write(b"a")
    one.connection.write(b"b")
    assert other.events == []
    await turns()
    one.connection.write(b"c")
    await turns()
    assert other.events == [b"a", b"b", "done", b"c", "done"]


async def test_nothing_is_delivered_before_a_handler_is_attached() -> None:
    near, far = pair(asyncio.get_running_loop())
    near.write(b"early")
    near.close()
    await turns()
    handler = Recorder(far)
    far.attach(handler)
    near.attach(Recorder(near))
    await turns()
    assert handler.events == [b"early", "done", ("lost", True)]


async def test_a_peer_that_does_not_read_pauses_the_writer() -> None:
    one, other = joined(high=10)
    other.connection.pause_reading()
    one.connection.write(b"x" * 10)
    paused = [one.connection.paused]
    one.connection.write(b"y")
    paused.append(one.connection.paused)
    assert paused == [False, True]
    await turns()
    assert (one.events, other.events) == ([], [])
    other.connection.resume_reading()
    await turns()
    assert other.events == [b"x" * 10, b"y", "done"]
    assert one.events == ["writable"]
    assert not one.connection.paused


async def test_pausing_while_a_read_is_delivered_keeps_the_rest() -> None:
    one, other = joined()

    class Once(Recorder):
        def received(self, data: bytes) -> None:
            super().received(data)
            self.connection.pause_reading()

    handler = Once(other.connection)
    other.connection.attach(handler)
    for data in (b"a", b"b"):
        one.connection.write(data)
    await turns()
    assert handler.events == [b"a", "done"]
    other.connection.resume_reading()
    await turns()
    assert handler.events == [b"a", "done", b"b", "done"]


async def test_close_comes_after_what_was_written() -> None:
    one, other = joined()
    one.connection.write(b"last")
    one.connection.close()
    one.connection.write(b"too late")
    one.connection.close()
    await turns()
    assert other.events == [b"last", "done", ("lost", True)]
    assert one.events == [("lost", True)]
    assert one.connection.ended.is_set()
    assert other.connection.ended.is_set()


async def test_close_waits_for_a_peer_that_does_not_read_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CLOSE_TIMEOUT", 0.01)
    one, other = joined()
    other.connection.pause_reading()
    one.connection.write(b"unread")
    one.connection.close()
    await turns()
    assert one.events == []
    async with asyncio.timeout(5):
        await one.connection.ended.wait()
        await other.connection.ended.wait()
    assert one.events == [("lost", False)]
    assert other.events == [("lost", False)]


async def test_abort_drops_what_was_not_read() -> None:
    one, other = joined()
    one.connection.write(b"unread")
    one.connection.abort()
    one.connection.abort()
    await turns()
    assert one.events == [("lost", False)]
    assert other.events == [("lost", False)]
    other.connection.write(b"nobody")
    other.connection.close()
    await turns()
    assert other.events == [("lost", False)]


async def test_both_sides_closing_at_once() -> None:
    one, other = joined()
    one.connection.close()
    other.connection.close()
    await turns()
    assert one.events == other.events == [("lost", True)]


async def test_a_handler_that_closes_reads_no_more() -> None:
    one, other = joined()

    class Closes(Recorder):
        def received(self, data: bytes) -> None:
            super().received(data)
            self.connection.close()

    handler = Closes(other.connection)
    other.connection.attach(handler)
    one.connection.write(b"a")
    one.connection.write(b"b")
    await turns()
    assert handler.events == [b"a", "done", ("lost", True)]


async def test_callbacks_do_not_run_in_the_writers_context() -> None:
    seen: list[str] = []
    variable: ContextVar[str] = ContextVar("variable", default="none")
    one, other = joined()

    class Looks(Recorder):
        def received(self, data: bytes) -> None:
            seen.append(variable.get())

    other.connection.attach(Looks(other.connection))
    variable.set("writer")
    one.connection.write(b"a")
    await turns()
    assert seen == ["none"]
