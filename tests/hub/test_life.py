"""The life of a connection: its handshake, on_connected, context, the options of its hub, its loop (spec 3, 6.8)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hubstream import Hub, HubError, HubServer
from hubstream.connection.memory import pair
from tests.clock import JumpingLoop
from tests.hub.life import CLOSED, COME_BACK, Life, Slow, fresh
from tests.hub.wire import HANDSHAKE, PING, Wire, attached, call, done, item, raw, result, stream, turns

__all__ = ["fresh"]

LOOP = JumpingLoop


HANDSHAKES: dict[str, tuple[str, dict[str, Any] | None]] = {
    "json": (HANDSHAKE, {}),
    "spelled otherwise": ('{"version":0,"more":[1],"protocol":"JSON"}\x1e', {}),
    "version 2": ('{"protocol":"json","version":2}\x1e', {}),
    "version 3": (
        '{"protocol":"json","version":3}\x1e',
        {"error": "The server does not support version 3 of the 'json' protocol."},
    ),
    "unknown": ('{"protocol":"xml","version":1}\x1e', {"error": "The protocol 'xml' is not supported."}),
    "no version": ('{"protocol":"json"}\x1e', {"error": "An unexpected error occurred during connection handshake."}),
    "no JSON": ("hello\x1e", {"error": "An unexpected error occurred during connection handshake."}),
    "a message": ('{"type":6}\x1e', {"error": "An unexpected error occurred during connection handshake."}),
    "oversize": (" " * 32_769, {"error": "Handshake was canceled."}),
}


@pytest.mark.parametrize("case", HANDSHAKES)
async def test_handshakes(case: str) -> None:
    request, response = HANDSHAKES[case]
    async with raw(Life, handshake=None) as wire:
        wire.say(request)
        assert await wire.next() == response
        if response:
            await wire.closed()
            assert wire.messages == []
        else:
            wire.call("add", 1, 2)
            assert await wire.next() == result("1", 3)
    assert Life.log == ([] if response else ["connected", None])


async def test_a_handshake_in_pieces_and_calls_behind_it() -> None:
    async with raw(Life, handshake=None) as wire:
        for character in HANDSHAKE[:-1]:
            wire.say(character)
            await turns(2)
        assert wire.messages == []
        wire.say("\x1e", call("add", 1, 2), call("add", 3, 4, id="2"))
        assert await wire.take(3) == [{}, result("1", 3), result("2", 7)]


async def test_no_handshake() -> None:
    async with raw(Life, handshake=None) as wire:
        await asyncio.sleep(14)
        assert wire.messages == []
        assert wire.alive()
        wire.say('{"protocol":"json"')
        await asyncio.sleep(2.5)
        assert wire.messages == [{"error": "Handshake was canceled."}]
        await wire.closed()
        wire.messages.clear()
    assert Life.log == []


async def test_a_client_that_leaves_before_its_handshake() -> None:
    hubs = HubServer({"/hub": Life})
    async with raw(hubs, handshake=None) as wire:
        wire.say('{"protocol":')
        await turns()
        wire.end()
        await wire.closed()
        assert wire.messages == []
    assert Life.log == []
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


async def test_a_protocol_that_is_not_offered() -> None:
    async with raw(HubServer({"/hub": Life}, protocols=("messagepack",)), handshake=None) as wire:
        wire.say(HANDSHAKE)
        assert await wire.next() == {"error": "The protocol 'json' is not supported."}


async def test_messages_wait_for_on_connected() -> None:
    async with raw(Slow, handshake=None) as wire:
        wire.say(HANDSHAKE, call("add", 1, 2), stream("numbers", id="2"), PING)
        wire.say(call("collect", id="3", streams=["u"]), *(item("u", n) for n in range(20)), done("u"))
        await turns()
        assert wire.messages == [{}]
        Life.gate.set()
        welcome: dict[str, Any] = {"type": 1, "target": "Welcome", "arguments": []}
        assert await wire.take(3) == [{}, welcome, result("1", 3)]
        assert {m["invocationId"] for m in await wire.take(3)} == {"2", "3"}
    assert Life.log == ["connecting", "connected", None]


@pytest.mark.parametrize("ending", ["end", "abort", "Close"])
async def test_on_disconnected_waits_for_on_connected(ending: str) -> None:
    async with raw(Slow) as wire:
        if ending == "Close":
            wire.say({"type": 7})
        elif ending == "end":
            wire.end()
        else:
            wire.connection.abort()
        await wire.closed()
        await turns()
        assert Life.log == ["connecting"]
        Life.gate.set()
    assert Life.log == ["connecting", "connected", None]


async def test_what_waits_for_on_connected_is_read_no_further_than_64_kib() -> None:
    async with raw(Slow) as wire:
        for n in range(2500):
            wire.call("add", n, n, id=str(n))
        await turns(300)
        assert not wire.server.reading
        Life.gate.set()
        assert [m["result"] for m in (await wire.take(2501))[1:]] == [2 * n for n in range(2500)]


FAILURES: list[tuple[BaseException, str]] = [
    (HubError("no room"), " HubException: no room"),
    (ValueError("secret"), ""),
    (asyncio.CancelledError(), ""),
    (BaseExceptionGroup("several", [ValueError(), KeyError()]), ""),
]


@pytest.mark.parametrize(("failure", "detail"), FAILURES)
@pytest.mark.parametrize("at_once", [True, False])
async def test_on_connected_that_fails(
    failure: BaseException, detail: str, at_once: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(Life):
        async def on_connected(self) -> None:
            if not at_once:
                await asyncio.sleep(0)
            raise failure

    async with raw(Fails) as wire:
        wire.say(call("add", 1, 2))
        assert await wire.next() == {"type": 7, "error": CLOSED + detail}
        await wire.closed()
        assert wire.messages == []
    assert Life.log == [], "on_disconnected is not called"
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "on_connected failed" in record.getMessage()
    assert wire.server.connection_id in record.getMessage()


async def test_on_connected_that_fails_after_the_client_has_gone(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Life):
        async def on_connected(self) -> None:
            await self.gate.wait()
            raise ValueError("too late")

    async with raw(Fails) as wire:
        wire.end()
        await wire.closed()
        Life.gate.set()
    assert Life.log == []
    assert "too late" in caplog.text


@pytest.mark.parametrize("existing", [False, True], ids=["a new name", "one of __init__"])
async def test_assigning_in_on_connected_is_an_error_that_names_the_cure(
    existing: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Assigns(Life):
        def __init__(self) -> None:
            self.name = "nobody"
            self.fixed = "fixed"

        async def on_connected(self) -> None:
            if existing:
                self.name = "somebody"
            else:
                self.color = "blue"

    async with raw(HubServer({"/hub": Assigns}, detailed_errors=True)) as wire:
        error = (await wire.next())["error"]
        assert ("name" if existing else "color") in error
        assert "fixed" not in error
        assert "self.context.items" in error


async def test_a_hub_that_cannot_be_made_for_on_connected(caplog: pytest.LogCaptureFixture) -> None:
    def factory(hub: type[Hub]) -> Hub:
        raise ConnectionRefusedError("no database")

    async with raw(HubServer({"/hub": Life}, factory=factory)) as wire:
        assert await wire.next() == {"type": 7, "error": CLOSED}
        await wire.closed()
    assert "no database" in caplog.text


async def test_a_failing_on_disconnected_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Life):
        async def on_disconnected(self, error: Exception | None) -> None:
            raise ValueError("in vain")

    async with raw(Fails):
        pass
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "on_disconnected failed" in record.getMessage()


async def test_the_context() -> None:
    hubs = HubServer({"/hub": Life})
    wire = attached(hubs, Life)
    wire.say(
        HANDSHAKE, call("context_of"), call("remember", "a", 1), call("remember", "a", 2), call("remember", "b", 3)
    )
    assert await wire.next() == {}
    connection_id = wire.server.connection_id
    assert await wire.next() == result("1", [connection_id, "Memory", None, "/", False])
    assert await wire.take(3) == [result("1"), result("1", 1), result("1")]
    async with raw(hubs) as other:
        assert other.server.connection_id != connection_id
        other.call("remember", "a", 1)
        assert await other.next() == result("1")
        assert hubs.snapshot()["connections"] == 2
    context = wire.server.context
    assert connection_id in repr(context)
    wire.end()
    await wire.closed()
    await wire.server.ended()
    assert context.aborted.is_set()
    context.abort()


async def test_each_hub_has_options_of_its_own() -> None:
    hubs = HubServer(handshake_timeout=3, max_message_size=100)
    hubs.map("/slow", Life, handshake_timeout=30)
    hubs.map("/large", Slow, max_message_size=1_000)
    async with AsyncExitStack() as stack:
        wires: dict[str, Wire] = {}
        for path in ("/slow", "/large"):
            wire = wires[path] = attached(hubs, path)
            stack.push_async_callback(wire.server.ended)
            stack.callback(wire.end)
        await asyncio.sleep(5)
        assert wires["/slow"].alive()
        assert wires["/large"].messages == [{"error": "Handshake was canceled."}]
        wires["/slow"].say(HANDSHAKE, call("add", 1, 2))
        assert await wires["/slow"].take(2) == [{}, result("1", 3)]
        wires["/slow"].say(call("add", 1, 2, id="x" * 100))
        assert await wires["/slow"].next() == {**COME_BACK, "error": CLOSED}


@pytest.mark.parametrize("hub", ["/none", Slow])
async def test_a_hub_that_is_not_there(hub: Any) -> None:
    _, far = pair(asyncio.get_running_loop())
    with pytest.raises(LookupError, match="the paths are /hub"):
        HubServer({"/hub": Life}).attach(hub, far)


async def test_no_limit_of_messages() -> None:
    async with raw(HubServer({"/hub": Life}, max_message_size=None)) as wire:
        wire.call("remember", "a", "x" * 1_000_000)
        assert await wire.next() == result("1")


async def test_a_message_of_exactly_the_limit() -> None:
    size = len('{"type":6,"x":""}\x1e')
    async with raw(HubServer({"/hub": Life}, max_message_size=100)) as wire:
        wire.say('{"type":6,"x":"' + "x" * (100 - size) + '"}\x1e', call("add", 1, 2))
        assert await wire.next() == result("1", 3)
        wire.say('{"type":6,"x":"' + "x" * (101 - size) + '"}\x1e')
        assert await wire.next() == {**COME_BACK, "error": CLOSED}


def test_a_server_belongs_to_one_loop_until_that_is_closed() -> None:
    hubs = HubServer({"/hub": Life})

    async def use() -> None:
        async with raw(hubs) as wire:
            wire.call("add", 1, 2)
            assert await wire.next() == result("1", 3)

    async def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="one server belongs to one loop: make a HubServer for each"):
            await use()
        await hubs.aclose()

    first = JumpingLoop()
    first.run_until_complete(use())
    asyncio.run(elsewhere())
    first.run_until_complete(use())
    first.close()
    for _ in range(2):
        asyncio.run(use())


async def test_stopping_a_server_that_never_ran() -> None:
    hubs = HubServer({"/hub": Life})
    await hubs.aclose()
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}
