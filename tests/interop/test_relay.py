"""A network that cuts, stalls, delays and spoils, between this package's client and either server.

Whatever happens in the middle of calls, streams and uploads, each of them ends at once with the error it should have; nothing
hangs, no stream seems complete, and where the connection can come back it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from hubstream import ConnectionLost, HubConnection, ProtocolError
from hubstream.client import connection
from tests.interop.checks import COMBINATIONS, Combination
from tests.interop.python.check import Context, at_once, eventually, everything, noted
from tests.interop.python.work import Work
from tests.interop.pythonclient import SERVERS
from tests.interop.relay import Relay

LIMIT = 20.0
"""Seconds for a test."""

AT_ONCE = 3.0
"""Seconds until everybody has been told, on a busy machine; one of them a server has to say why it refused a POST."""

SILENCE = 1.0
"""Seconds of silence after which the client gives the server up, here."""

CLOSE = 1.0
"""Seconds the other side has to answer a Close, here."""

LOST = "The connection to the server was lost."
UNFINISHED = "Connection terminated while reading a message."
SILENT = "Server timeout (1000.00ms) elapsed without receiving a message from the server."
REFUSED = "The server closed the connection with the following error: Connection closed with an error."
CLOSED = "Invocation canceled due to the underlying connection being closed."


@dataclass(frozen=True)
class Fault:
    """Something that happens to every connection through the relay."""

    name: str
    happens: Callable[[Relay], None]
    texts: frozenset[str] = frozenset({LOST, UNFINISHED})
    """What calls and streams may end with; with none their cause is looked at."""
    noticed: bool = True
    """Whether the server notices too."""

    def __str__(self) -> str:
        return self.name


def garble(data: bytes) -> bytes:
    """A message that is well carried and means nothing: a stream item, of either protocol, with a type that is none."""
    for item, bad in ((b'"type":2', b'"type":?'), (b"\x94\x02", b"\x94\xc1"), (b"\x95\x02", b"\x95\xc1")):
        data = data.replace(item, bad, 1)
    return data


FAULTS = [
    Fault("reset", lambda relay: relay.cut("reset")),
    Fault("end", lambda relay: relay.cut("end")),
    Fault("reset here only", lambda relay: relay.cut("reset", "client"), noticed=False),
    Fault("end here only", lambda relay: relay.cut("end", "client"), noticed=False),
    Fault("noise toward the client", lambda relay: relay.spoil("client")),
    # Noise in the head of a message is no HTTP and no frame; in its body it is a bad hub message.
    Fault("noise toward the server", lambda relay: relay.spoil("server"), frozenset({LOST, UNFINISHED, REFUSED})),
    Fault("a bad message", lambda relay: relay.spoil("client", garble), frozenset()),
]

SILENCES = [
    Fault("reset there only", lambda relay: relay.cut("reset", "server"), frozenset({SILENT})),
    Fault("stall", lambda relay: relay.stall(), frozenset({SILENT}), noticed=False),
]

LISTENING = [combination for combination in COMBINATIONS if combination.transport != "LongPolling"]
"""Where silence tells: a poll may take as long as the server likes (spec 8.7)."""


@pytest.fixture
async def x(hub_server: str, combination: Combination) -> AsyncIterator[Context]:
    """What a test works with; in the end nothing of it may be left."""
    before = asyncio.all_tasks()
    async with AsyncExitStack() as owned:
        yield Context(hub_server, combination, owned)
    async with asyncio.timeout(AT_ONCE):
        await eventually(lambda: asyncio.all_tasks() - before <= {asyncio.current_task()})


CASES = [(server, combination, fault) for server in SERVERS for combination in COMBINATIONS for fault in FAULTS]


@pytest.mark.parametrize(
    ("hub_server", "combination", "fault"),
    CASES,
    indirect=["hub_server"],
    ids=str,
)
async def test_everybody_is_told_and_it_comes_back(x: Context, fault: Fault) -> None:
    async with asyncio.timeout(LIMIT):
        await suffer(x, fault, AT_ONCE)


@pytest.mark.parametrize("fault", SILENCES, ids=str)
@pytest.mark.parametrize("hub_server", SERVERS, indirect=True)
async def test_silence_is_a_loss(hub_server: str, fault: Fault) -> None:
    """On all transports side by side, for each takes its time."""
    async with asyncio.timeout(LIMIT), AsyncExitStack() as owned:
        contexts = [Context(hub_server, combination, owned) for combination in LISTENING]
        await asyncio.gather(*(suffer(x, fault, SILENCE + AT_ONCE) for x in contexts))


async def suffer(x: Context, fault: Fault, seconds: float) -> None:
    """Have a fault happen in the middle of everything."""
    loop = asyncio.get_running_loop()
    relay = await x.relay()
    c = await x.open(base=relay.url, reconnect=[0, 0.1, 0.5], server_timeout=SILENCE)
    events = noted(c)
    work = Work(c, x.key())
    await work.start(2)
    first, began = c.connection_id, loop.time()
    fault.happens(relay)
    errors = await work.ended()
    assert loop.time() - began < seconds
    relay.go_on()
    await eventually(lambda: len(events) == 2)
    texts = {str(error) for error in errors}
    assert len(texts) == 1
    assert texts <= fault.texts or all(isinstance(error.__cause__, ProtocolError) for error in errors)
    assert events == [f"reconnecting: {errors[0]}", "reconnected"]
    assert c.connection_id != first
    again = Work(c, x.key())
    await again.start(2)
    await c.stop()
    assert {str(error) for error in await again.ended()} == {CLOSED}
    assert events[2:] == ["closed: None"]
    # With long polling it takes the server 15 s to miss the client.
    if fault.noticed and x.transport != "LongPolling":
        other = await x.open()
        assert await other.invoke("Recorded", f"forever{work.key}", 8_000, result=list[str]) == ["stopped"]
        stored = await other.invoke("Recorded", f"store{work.key}", 8_000, result=list[str])
        assert stored == [*map(str, range(len(stored) - 1)), "cancelled"]


ON = [(server, combination) for server in SERVERS for combination in COMBINATIONS]
everywhere = pytest.mark.parametrize(("hub_server", "combination"), ON, indirect=["hub_server"], ids=str)


@everywhere
async def test_what_comes_late_comes_whole(x: Context) -> None:
    async with asyncio.timeout(LIMIT):
        relay = await x.relay()
        relay.delay = 0.02
        await whole(x, relay, lambda: None)


@everywhere
async def test_what_was_held_up_comes_whole(x: Context) -> None:
    async with asyncio.timeout(LIMIT):
        relay = await x.relay()

        def hold_up() -> None:
            relay.stall()
            asyncio.get_running_loop().call_later(0.2, relay.go_on)

        await whole(x, relay, hold_up)


async def whole(x: Context, relay: Relay, meanwhile: Callable[[], None]) -> None:
    """A stream, an upload and calls at once: all of it comes, in order."""
    c = await x.open(base=relay.url)

    async def numbers() -> AsyncIterator[int]:
        for n in range(500):
            if n == 50:
                meanwhile()
            yield n

    down, up, *sums = await asyncio.gather(
        everything(c.stream("CounterEnumerable", 500, 0, item=int)),
        everything(c.stream("Double", numbers(), item=int)),
        *(c.invoke("Add", n, 1, result=int) for n in range(20)),
    )
    assert down == list(range(500))
    assert up == list(range(0, 1_000, 2))
    assert sums == list(range(1, 21))


@everywhere
async def test_cut_while_it_connects(x: Context) -> None:
    """After each piece of what is said until a call is answered: the attempt fails, and one after it succeeds."""
    async with asyncio.timeout(LIMIT):
        relay = await x.relay()
        pieces = 0
        while True:
            pieces += 1
            relay.cut_after(pieces)
            c = x.build(base=relay.url, reconnect=at_once, retry_start=True)
            await c.start()
            await answered(c)
            await c.stop()
            if relay.will_cut:  # all was said before
                break
        assert pieces >= 6


async def answered(c: HubConnection) -> None:
    """Call until an answer comes, on one connection or another."""
    while True:
        try:
            assert await c.invoke("Add", 1, 1, result=int) == 2
            return
        except ConnectionLost:
            await eventually(lambda: c.state == "Connected")


@pytest.mark.parametrize("hub_server", SERVERS, indirect=True)
async def test_stopping_while_nothing_passes(hub_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On all transports side by side, for each takes all the time it has."""
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT", CLOSE)
    async with asyncio.timeout(LIMIT), AsyncExitStack() as owned:
        await asyncio.gather(*(stop_stalled(Context(hub_server, on, owned)) for on in COMBINATIONS))


async def stop_stalled(x: Context) -> None:
    loop = asyncio.get_running_loop()
    relay = await x.relay()
    c = await x.open(base=relay.url)
    work = Work(c, x.key())
    await work.start(1)
    relay.stall()
    began = loop.time()
    stopping = asyncio.create_task(c.stop())
    assert {str(error) for error in await work.ended()} == {CLOSED}
    assert loop.time() - began < AT_ONCE
    await stopping
    assert loop.time() - began < CLOSE + AT_ONCE
    assert c.state == "Disconnected"
