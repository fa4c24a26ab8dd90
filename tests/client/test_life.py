from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest

from hubstream.client import ClientCore, Ending, connection, tasks
from hubstream.connection.clock import Clock, Member
from hubstream.connection.memory import pair
from hubstream.errors import ConnectionLost, HandshakeError, ProtocolError, TransportError
from hubstream.protocol.messages import Close, Invocation
from tests.client.peer import Peer, joined, turns

PROTOCOLS = pytest.mark.parametrize("protocol", ["json", "messagepack"])


@PROTOCOLS
async def test_the_handshake_then_a_ping(protocol: str) -> None:
    async with joined(protocol) as (client, peer):
        await turns()
        [request] = peer.requests
        assert (request.protocol, request.version) == (protocol, 1)
        assert peer.pings == 1
        assert client.transport == "Memory"


async def test_calls_before_the_handshake_are_refused() -> None:
    async with joined(start=False) as (client, _peer):
        with pytest.raises(ConnectionLost, match="not active"):
            await client.invoke("early")


async def test_it_is_started_once() -> None:
    async with joined() as (client, peer):
        with pytest.raises(RuntimeError, match="started already"):
            await client.start()
        await turns()
        assert len(peer.requests) == 1
        assert client.ending is None


async def test_messages_right_behind_the_handshake_are_read() -> None:
    seen: list[int] = []
    async with joined(start=False, handshake=None) as (client, peer):
        client.on("n", seen.append)
        starting = asyncio.create_task(client.start())
        await turns()
        peer.connection.write(b"{}\x1e" + peer.codec.encode(peer.call("n", 1)))
        await starting
        await turns()
        assert seen == [1]


async def test_a_refused_handshake() -> None:
    async with joined(start=False, handshake="The protocol 'json' is not supported.") as (client, peer):
        with pytest.raises(HandshakeError) as raised:
            await client.start()
        assert "due to an error: The protocol 'json' is not supported." in str(raised.value)
        await turns()
        assert peer.graceful is not None
        assert client.ending is not None
        assert not client.ending.reconnect
        with pytest.raises(HandshakeError):
            await client.start()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"<html>\x1e", r"^Error reading JSON\. The server's answer to the handshake begins with '<html>'$"),
        (b'{"type":1}\x1e', "Expected a handshake response"),
        (b"", "disconnected before sending"),
    ],
)
async def test_what_is_no_handshake(answer: bytes, text: str) -> None:
    async with joined(start=False, handshake=None) as (client, peer):
        starting = asyncio.create_task(client.start())
        await turns()
        peer.connection.write(answer)
        peer.connection.close()
        with pytest.raises(HandshakeError, match=text):
            await starting


async def test_a_handshake_that_a_failing_transport_cut_has_its_cause() -> None:
    async with joined(start=False, handshake=None) as (client, peer):
        starting = asyncio.create_task(client.start())
        await turns()
        transport: Any = client.wire.connection
        transport.failure = TransportError("a POST was answered with status 307")
        peer.connection.abort()
        with pytest.raises(HandshakeError, match=r"response\. \(a POST was answered with status 307\)$") as caught:
            await starting
        assert caught.value.__cause__ is transport.failure


async def test_a_handshake_that_never_comes() -> None:
    async with joined(start=False, handshake=None, handshake_timeout=0.01) as (client, peer):
        with pytest.raises(HandshakeError, match=r"within 0\.01 s"):
            await client.start()
        await turns()
        assert peer.graceful is False


async def test_cancelled_while_it_starts() -> None:
    async with joined(start=False, handshake=None) as (client, peer):
        starting = asyncio.create_task(client.start())
        await turns()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await turns()
        assert peer.graceful is False


async def test_closed_while_it_starts() -> None:
    async with joined(start=False, handshake=None) as (client, peer):
        starting = asyncio.create_task(client.start())
        await turns()
        await client.close()
        with pytest.raises(HandshakeError):
            await starting
        assert peer.messages == []


async def test_closing_says_so_and_waits_for_the_end() -> None:
    endings: list[Ending] = []
    async with joined(on_end=endings.append) as (client, peer):
        await client.send("last")
        await client.close()
        assert (await peer.next(Invocation)).target == "last"
        assert await peer.next(Close) == Close()
        assert peer.graceful is True
        await client.close()
    assert endings == [Ending(None, False, "Invocation canceled due to the underlying connection being closed.")]


ENDS: list[tuple[str, type[Exception] | None, bool]] = [
    ("Close", None, False),
    ("Close, may reconnect", None, True),
    ("Close with an error", ConnectionLost, False),
    ("Close with an error, may reconnect", ConnectionLost, True),
    ("closed", None, True),
    ("cut", ConnectionLost, True),
    ("garbage", ProtocolError, True),
]


@pytest.mark.parametrize(("how", "error", "reconnect"), ENDS)
async def test_how_it_ended_is_told_once(how: str, error: type[Exception] | None, reconnect: bool) -> None:
    endings: list[Ending] = []
    async with joined(on_end=endings.append) as (client, peer):
        match how:
            case "closed":
                peer.connection.close()
            case "cut":
                peer.connection.abort()
            case "garbage":
                peer.connection.write(b"[]\x1e[]\x1e")
            case _:
                peer.close("too bad" if "error" in how else None, reconnect="may" in how)
        await turns()
        [ending] = endings
        assert ending is client.ending
        assert ending.reconnect is reconnect
        assert (ending.error is None) if error is None else isinstance(ending.error, error)
        assert peer.graceful is not None
    assert len(endings) == 1


async def test_after_the_servers_close_nothing_more_is_read_or_sent() -> None:
    async with joined() as (client, peer):
        seen: list[int] = []
        client.on("n", seen.append)
        peer.say(Close(), peer.call("n", 1))
        await turns()
        assert seen == []
        assert peer.messages == []
        assert peer.graceful is True


async def test_pings_come_when_nothing_else_is_sent() -> None:
    async with joined(keep_alive=15.0) as (client, peer):
        await turns()
        now = asyncio.get_running_loop().time()
        for seconds, pings in ((10, 1), (16, 2), (20, 2), (32, 3)):
            client.overslept(now + seconds)
            client.due(now + seconds)
            await turns()
            assert (seconds, peer.pings) == (seconds, pings)


async def test_a_loop_that_was_held_up_does_not_blame_the_server() -> None:
    async with joined() as (client, _peer):
        now = asyncio.get_running_loop().time()
        client.overslept(now + 100)
        client.due(now + 100)
        endings = [client.ending]
        client.due(now + 130)
        client.due(now + 131)
        endings.append(client.ending)
        assert [ending and ending.reconnect for ending in endings] == [None, True]


async def test_long_polling_keeps_itself_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubstream.connection.memory.MemoryConnection.inherent_keep_alive", True)
    async with joined() as (_client, peer):
        await turns()
        assert peer.pings == 0


class Members(Clock):
    """A clock whose members can be counted."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.members: list[Member] = []

    def add(self, member: Member) -> None:
        self.members.append(member)
        super().add(member)

    def discard(self, member: Member) -> None:
        self.members.remove(member)
        super().discard(member)


async def test_the_clock_runs_only_while_it_is_connected() -> None:
    clock = Members()
    async with joined(clock=clock) as (client, _peer):
        assert clock.members == [client]
    assert clock.members == []


async def test_closing_against_a_server_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT", 0.01)
    async with joined(high=100) as (client, peer):
        peer.connection.pause_reading()
        await client.send("first", "x" * 1_000)
        call = asyncio.create_task(client.invoke("later"))
        await turns()
        async with asyncio.timeout(2):
            await client.close()
        with pytest.raises(ConnectionLost):
            await call
        await turns()
        assert peer.graceful is False


async def test_cancelled_while_it_closes() -> None:
    async with joined() as (client, peer):
        peer.connection.pause_reading()
        await client.send("unread")
        await turns()
        closing = asyncio.create_task(client.close())
        await turns()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await turns()
        assert peer.graceful is False


async def test_handlers_that_run_end_with_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "STOP", 0.02)
    monkeypatch.setattr(tasks, "GRACE", 0.02)
    ended: list[str] = []
    gate = asyncio.Event()
    async with joined() as (client, peer):

        @client.on("hangs")
        async def hangs() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("hangs")

        @client.on("swallows")
        async def swallows() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await gate.wait()
            ended.append("swallows")

        @client.on("short")
        async def short() -> int:
            await asyncio.sleep(0)
            ended.append("short")
            return 1

        peer.say(peer.call("short", ask="s1"), peer.call("hangs", ask="s2"), peer.call("swallows", ask="s3"))
        await turns(2)
        async with asyncio.timeout(5):
            await client.close()
        assert ended == ["short", "hangs"]
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        gate.set()
        await turns()
    assert ended == ["short", "hangs", "swallows"]


async def test_closing_from_inside_a_handler() -> None:
    async with joined() as (client, peer):
        closed = asyncio.Event()

        @client.on("bye")
        async def bye() -> None:
            await client.close()
            closed.set()

        peer.say(peer.call("bye"))
        async with asyncio.timeout(5):
            await closed.wait()
        assert peer.graceful is True


async def test_calls_received_before_the_loss_still_reach_their_handlers() -> None:
    async with joined() as (client, peer):
        seen: list[int] = []

        @client.on("n")
        async def note(number: int) -> None:
            await asyncio.sleep(0)
            seen.append(number)

        peer.say(*(peer.call("n", number) for number in range(3)))
        peer.connection.close()
        await turns()
        assert client.ending is not None
        async with asyncio.timeout(5):
            await client.ended()
        assert seen == [0, 1, 2]


async def test_waiting_for_the_end_can_be_cancelled() -> None:
    async with joined() as (client, peer):
        ended = asyncio.Event()

        @client.on("hangs")
        async def hangs() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        peer.say(peer.call("hangs"))
        await turns()
        peer.connection.abort()
        await turns()
        waiting = asyncio.create_task(client.ended())
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(5):
            await ended.wait()


async def test_as_a_context_manager() -> None:
    near, far = pair(asyncio.get_running_loop())
    peer = Peer(far, "json")
    far.attach(peer)
    client = ClientCore(near)
    near.attach(client)
    async with client as same:
        assert same is client
        await client.send("hello")
    assert peer.graceful is True


async def test_an_unknown_protocol() -> None:
    near, _far = pair(asyncio.get_running_loop())
    with pytest.raises(ValueError, match="json and messagepack, not 'xml'"):
        ClientCore(near, protocol="xml")


async def test_reattached_it_drops_what_had_come_of_a_message() -> None:
    async with joined() as (client, peer):
        seen: list[int] = []
        client.on("n", seen.append)
        client.received(b'{"type":')
        client.reattached()
        client.received(peer.codec.encode(peer.call("n", 1)))
        client.read_done()
        await turns()
        assert seen == [1]
        await client.close()
        client.received(peer.codec.encode(peer.call("n", 2)))
        client.read_done()
        await turns()
        assert seen == [1]
