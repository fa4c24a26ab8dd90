"""Every way a connection ends, what the client is told and what the hub, and how everything stops (spec 6.9, 8.5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from hubstream import ConnectionLost, Hub, HubError, HubServer, ProtocolError
from tests.clock import JumpingLoop
from tests.hub.life import CLOSED, COME_BACK, GOODBYE, Life, fresh
from tests.hub.wire import PING, Wire, call, item, raw, result, stream, turns, until

__all__ = ["fresh"]

LOOP = JumpingLoop


def loop() -> JumpingLoop:
    return cast("JumpingLoop", asyncio.get_running_loop())


OVERSIZE = "The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions."
SILENT = "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
CUT_SHORT = "Connection terminated while reading a message."
NO_TYPE = "Missing required property 'type'."


def broken(detail: str) -> dict[str, Any]:
    return {"type": 7, "error": f"{CLOSED} {detail}", "allowReconnect": True}


async def silence(wire: Wire) -> None:
    wire.say(PING)
    await asyncio.sleep(40)


def half_a_message(wire: Wire) -> None:
    wire.say('{"type"')
    wire.end()


async def flood(wire: Wire) -> None:
    wire.connection.pause_reading()
    for _ in range(2000):
        wire.say(*(call("none" * 50, id="x" * 200) for _ in range(10)))
        await turns(3)
    wire.connection.resume_reading()


ENDS: dict[str, tuple[Callable[[Wire], Awaitable[object] | None], dict[str, Any] | None, tuple[type | None, str]]] = {
    "client's Close": (lambda wire: wire.say({"type": 7}), GOODBYE, (None, "")),
    "client's Close with an error": (lambda wire: wire.say({"type": 7, "error": "x"}), GOODBYE, (HubError, "x")),
    "client's Close that allows reconnects": (lambda wire: wire.say({**COME_BACK}), GOODBYE, (None, "")),
    "abort": (lambda wire: wire.call("abort"), GOODBYE, (None, "")),
    "transport closed": (lambda wire: wire.end(), None, (None, "")),
    "transport cut": (lambda wire: wire.connection.abort(), None, (None, "")),
    "protocol error": (
        lambda wire: wire.say("{}\x1e"),
        broken(f"InvalidDataException: {NO_TYPE}"),
        (ProtocolError, NO_TYPE),
    ),
    "oversize": (
        lambda wire: wire.say(call("add", "x" * 33_000)),
        broken(f"InvalidDataException: {OVERSIZE}"),
        (ProtocolError, OVERSIZE),
    ),
    "half a message": (half_a_message, None, (ProtocolError, CUT_SHORT)),
    "silence": (silence, broken(f"TimeoutError: {SILENT}"), (TimeoutError, SILENT)),
    "no reading": (flood, None, (TimeoutError, "the client does not read what is sent to it")),
}


@pytest.mark.parametrize("detailed", [True, False])
@pytest.mark.parametrize("case", ENDS)
async def test_ends(case: str, detailed: bool, caplog: pytest.LogCaptureFixture) -> None:
    act, close, (kind, text) = ENDS[case]
    hubs = HubServer({"/hub": Life}, detailed_errors=detailed)
    async with raw(hubs) as wire:
        if (acting := act(wire)) is not None:
            await acting
        await wire.closed()
        messages = [message for message in wire.messages if message != PING]
        if close is not None and "error" in close and not detailed:
            close = {**close, "error": CLOSED}
        assert messages == ([] if close is None else [close])
        assert hubs.snapshot()["connections"] == 0
        await turns()
    assert len(Life.log) == 2
    connected, error = Life.log
    assert connected == "connected"
    assert isinstance(error, kind or type(None))
    assert str(error or "") == text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_the_server_stops() -> None:
    hubs = HubServer({"/hub": Life})
    async with raw(hubs) as wire:
        await until(lambda: Life.log)
        await hubs.aclose()
        assert Life.log == ["connected", None]
        assert await wire.next() == COME_BACK
        assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


async def test_messages_before_an_error_are_answered_and_those_behind_an_end_are_not() -> None:
    async with raw(Life) as wire:
        wire.say(call("add", 1, 2), "{}\x1e", call("add", 3, 4))
        assert await wire.take(2) == [result("1", 3), {**COME_BACK, "error": CLOSED}]
    async with raw(Life) as wire:
        wire.say(call("add", 1, 2), call("abort"), call("add", 3, 4), "{}\x1e")
        assert await wire.take(2) == [result("1", 3), GOODBYE]


async def test_what_still_runs_when_the_connection_ends() -> None:
    hubs = HubServer({"/hub": Life}, parallel_invocations=2)
    async with raw(hubs) as wire:
        wire.say(call("watches", id="1"), call("wait", id="2"), stream("numbers", id="3"))
        assert await wire.next() == item("3", 1)
        wire.end()
        await wire.closed()
        await until(lambda: "aborted" in Life.log)
        assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 1, "records": 0}
        Life.gate.set()
    assert sorted(map(str, Life.log)) == ["None", "aborted", "connected", "waited"]
    assert hubs.snapshot()["tasks"] == 0


async def test_stopping_cancels_what_runs_and_waits_for_it() -> None:
    hubs = HubServer({"/hub": Life}, parallel_invocations=2)
    async with raw(hubs) as wire, raw(hubs) as gone:
        wire.say(call("wait", id="1"), call("collect", id="2", streams=["u"]), stream("numbers", id="3"))
        gone.call("wait")
        assert await wire.next() == item("3", 1)
        gone.end()
        await gone.closed()
        assert hubs.snapshot()["tasks"] == 4
        began = loop().time()
        await hubs.aclose()
        assert loop().time() == began, "everything ended at once"
        assert Life.log.count("cancelled") == 2, "also the call whose client had gone"
        assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
        assert await wire.next() == COME_BACK


class Hangs(Hub):
    async def on_connected(self) -> None:
        await self._hang("on_connected")

    async def on_disconnected(self, error: Exception | None) -> None:
        await self._hang("on_disconnected")

    async def method(self) -> None:
        await self._hang("method")

    async def spawning(self) -> None:
        self.spawn(self._hang("spawned"))
        await asyncio.sleep(0)

    async def upload(self, numbers: AsyncIterator[int]) -> None:
        await self._hang("upload")

    async def numbers(self) -> AsyncIterator[int]:
        yield 1
        await self._hang("stream")

    async def _hang(self, where: str) -> None:
        while not Life.gate.is_set() and where in self._hanging():
            try:
                await Life.gate.wait()
            except asyncio.CancelledError:
                Life.log.append(where)

    @staticmethod
    def _hanging() -> str:
        return HANGING[0]


HANGING = [""]


@pytest.mark.parametrize("where", ["on_connected", "on_disconnected", "method", "spawned", "upload", "stream"])
async def test_stopping_does_not_wait_for_what_refuses_to_end(where: str, caplog: pytest.LogCaptureFixture) -> None:
    HANGING[0] = where
    hubs = HubServer({"/hub": Hangs}, stop_timeout=2)
    try:
        async with raw(hubs) as wire:
            wire.say(
                call("spawning", id="1"),
                call("method", id="2"),
                call("upload", id="3", streams=["u"]),
                stream("numbers", id="4"),
            )
            await turns(20)
            began = loop().time()
            await hubs.aclose()
            assert 2 <= loop().time() - began <= 5
            assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
        assert len(Life.log) >= 1
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "did not end" in caplog.text
    finally:
        Life.gate.set()
        await turns()


async def test_a_transport_whose_own_call_is_cancelled_cancels_what_runs(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Life) as wire:
        wire.call("wait")
        await turns()
        wire.end()
        await wire.closed()
        waiting = asyncio.create_task(wire.server.ended())
        await turns()
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert "cancelled" in Life.log
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_lost_calls_see_the_loss() -> None:
    class Sees(Life):
        async def first(self, numbers: AsyncIterator[int]) -> None:
            try:
                await anext(numbers)
            except ConnectionLost:
                self.log.append("lost")
                await self.clients.caller.send("Nobody")

    async with raw(Sees) as wire:
        wire.call("first", streams=["u"])
        await turns()
        wire.end()
        await wire.closed()
    assert sorted(map(str, Life.log)) == ["None", "connected", "lost"]
