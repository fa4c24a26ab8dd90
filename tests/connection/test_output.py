"""Gathered output: frames, order, room, pausing, the cut-off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hubstream import ConnectionLost
from hubstream.connection.output import CUT_OFF, FRAME, ItemBatch, Output
from hubstream.connection.turn import Turn


class Wire:
    """A connection that keeps its frames; `takes` of them go before it pauses."""

    transport = "Test"
    binary_capable = True
    inherent_keep_alive = False
    resumable = False

    def __init__(self, takes: int = 1_000_000) -> None:
        self.frames: list[bytes] = []
        self.takes = takes
        self.paused = False

    def use_binary(self, binary: bool) -> None: ...

    def write(self, data: bytes) -> None:
        self.frames.append(data)
        self.takes -= 1
        self.paused = self.takes <= 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class Frame:
    overhead = 2

    def join(self, items: Sequence[bytes]) -> bytes:
        return b"".join(b"(" + item + b")" for item in items)


async def produce(out: Output, count: int, *, suspends: bool = False) -> None:
    batch = ItemBatch(Frame())
    for n in range(count):
        if suspends:
            await asyncio.sleep(0)
        item = b"%d" % n
        if not batch.items:
            out.gather(batch)
        batch.items.append(item)
        out.size += len(item) + 2
        if out.size >= out.limit and not out.roomy():
            await out.room()


def items(count: int) -> bytes:
    return Frame().join([b"%d" % n for n in range(count)])


async def quiet(out: Output) -> None:
    async with asyncio.timeout(5):
        while out.size:  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)


async def test_what_one_read_gives_is_one_frame() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    out.held = True
    for n in range(3):
        out.emit(b"%d" % n)
        await asyncio.sleep(0)
    assert wire.frames == []
    out.release()
    assert wire.frames == [b"012"]


async def test_what_one_iteration_gives_is_one_frame() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    out.emit(b"a")
    out.emit(b"b")
    assert wire.frames == []
    await asyncio.sleep(0)
    out.emit(b"c")
    await asyncio.sleep(0)
    assert wire.frames == [b"ab", b"c"]


async def test_who_a_read_has_woken_is_awaited_for_a_turn() -> None:
    """And no longer: what they emit is on its way when the loop polls its sockets next."""
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    out.held = True
    loop = asyncio.get_running_loop()
    for text in (b"a", b"b"):
        loop.call_soon(out.emit, text)
    out.release()
    out.expect()
    out.expect()
    await asyncio.sleep(0)
    assert wire.frames == [b"ab"]
    out.expect()  # and nobody emits
    await asyncio.sleep(0)
    out.emit(b"c")
    await asyncio.sleep(0)
    assert wire.frames == [b"ab", b"c"]


async def test_items_leave_when_the_stream_stops_producing() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    await produce(out, 20, suspends=True)
    await quiet(out)
    assert b"".join(wire.frames) == items(20)
    assert len(wire.frames) < 20


async def test_an_item_alone_leaves_at_once() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    await produce(out, 1)
    for _ in range(3):  # the tick, and the one that sees that nothing more came
        await asyncio.sleep(0)
    assert wire.frames == [b"(0)"]


async def test_frames_of_a_stream_that_never_suspends_are_bounded() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    await produce(out, 20_000)
    await quiet(out)
    assert b"".join(wire.frames) == items(20_000)
    assert max(map(len, wire.frames)) < FRAME + 100


async def test_a_message_keeps_its_place_between_items() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    await produce(out, 2)
    out.emit(b"message")
    await produce(out, 1)
    await quiet(out)
    assert b"".join(wire.frames) == b"(0)(1)message(0)"


async def test_streams_wait_for_a_peer_that_does_not_read() -> None:
    wire = Wire(takes=1)
    out = Output(wire, Turn(asyncio.get_running_loop()))
    out.emit(b"first")
    await asyncio.sleep(0)
    assert wire.paused
    streams = [asyncio.create_task(produce(out, 5)) for _ in range(100)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert out.size <= 100 * 3, "one item each at most"
    wire.takes, wire.paused = 1_000_000, False
    out.resumed()
    async with asyncio.timeout(5):
        await asyncio.gather(*streams)
    await quiet(out)
    assert sorted(b"".join(wire.frames[1:])) == sorted(items(5) * 100)


async def test_the_end_wakes_whoever_waits() -> None:
    wire = Wire(takes=0)
    wire.paused = True
    out = Output(wire, Turn(asyncio.get_running_loop()))
    stream, sender = asyncio.create_task(produce(out, 5)), asyncio.create_task(out.drained())
    await asyncio.sleep(0)
    out.discard()
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionLost):
            await stream
        await sender
    out.emit(b"late")
    await asyncio.sleep(0)
    assert wire.frames == []


async def test_the_last_messages_are_handed_over() -> None:
    wire = Wire(takes=0)
    wire.paused = True
    out = Output(wire, Turn(asyncio.get_running_loop()))
    await asyncio.wait([asyncio.create_task(produce(out, 1))], timeout=0)
    await asyncio.sleep(0)
    out.emit(b"close")
    out.close()
    await asyncio.sleep(0)
    assert wire.frames == [b"(0)close"]


async def test_messages_that_nobody_reads_are_cut_off() -> None:
    wire = Wire(takes=0)
    wire.paused = True
    cut: list[int] = []
    out = Output(wire, Turn(asyncio.get_running_loop()), lambda: cut.append(out.size))
    while not cut:
        out.emit(b"x" * 1000)
    assert CUT_OFF < cut[0] <= CUT_OFF + 1000
    out.discard()


async def test_long_items_of_many_streams_are_not_cut_off() -> None:
    """Each stream may have one that waits."""
    wire = Wire(takes=0)
    wire.paused = True
    cut: list[int] = []
    out = Output(wire, Turn(asyncio.get_running_loop()), lambda: cut.append(out.size))
    for _ in range(20):
        batch = ItemBatch(Frame())
        out.gather(batch)
        batch.items.append(b"x" * 100_000)
        out.size += 100_002
        out.emit(b"message")
    assert out.size > CUT_OFF
    assert not cut
    wire.paused = False
    wire.takes = 2
    out.resumed()
    for _ in range(12):
        out.emit(b"x" * 100_000)
        out.flush()
    assert len(cut) == 1
    out.discard()


async def test_a_sender_that_never_suspends_gathers_no_more_than_a_frame() -> None:
    wire = Wire()
    out = Output(wire, Turn(asyncio.get_running_loop()))
    most = 0
    for _ in range(10_000):
        out.emit(b"x" * 100)
        most = max(most, out.size)
        if out.size >= FRAME:
            await out.drained()
    assert most < FRAME + 100
    await quiet(out)
    assert len(b"".join(wire.frames)) == 1_000_000


async def test_streams_take_turns_where_each_frame_makes_the_transport_wait() -> None:
    """As below a middleware that wraps `send`: there every write waits for a task."""
    wire = Wire(takes=1)
    out = Output(wire, Turn(asyncio.get_running_loop()))

    async def endless(item: bytes) -> None:
        batch = ItemBatch(Frame())
        while True:
            if not batch.items:
                out.gather(batch)
            batch.items.append(item)
            out.size += len(item) + 2
            if out.size >= out.limit and not out.roomy():
                await out.room()

    streams = [asyncio.create_task(endless(name * FRAME)) for name in (b"a", b"b", b"c")]
    for _ in range(30):
        await asyncio.sleep(0)
        if wire.paused:
            wire.takes, wire.paused = 1, False
            out.resumed()
    for stream in streams:
        stream.cancel()
    counts = [sum(frame.count(b"(" + name) for frame in wire.frames) for name in (b"a", b"b", b"c")]
    assert max(counts) - min(counts) <= 1, counts
    assert min(counts) > 3
