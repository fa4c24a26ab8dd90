"""What clients are told at the end, on every transport (spec 8.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hubstream import Hub, HubServer
from tests.transports.asgi.driven import settle
from tests.transports.asgi.exchange import LIMIT
from tests.transports.asgi.talk import HANDSHAKE, TRANSPORTS, Request, Talk

ENDED = {"WebSockets": 1000, "ServerSentEvents": "end", "LongPolling": 204}
ERROR = "Connection closed with an error."

departed: list[object] = []


class Quitting(Hub):
    async def on_disconnected(self, error: Exception | None) -> None:
        departed.append(None if error is None else type(error).__name__)

    def quit(self) -> None:
        self.context.abort()

    def add(self, a: int, b: int) -> int:
        return a + b


class Refusing(Quitting):
    async def on_connected(self) -> None:
        raise LookupError("no")


@pytest.fixture(autouse=True)
def nobody_departed() -> None:
    departed.clear()


async def nothing_left(hubs: HubServer) -> None:
    async with asyncio.timeout(LIMIT):
        while any(hubs.snapshot().values()):  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


async def end(talk: Talk) -> None:
    await talk.rest()
    await talk.finish()
    await nothing_left(talk.hubs)


CASES: list[tuple[str, str, dict[str, Any], object]] = [
    ("the client's Close", '{"type":7}\x1e', {"type": 7}, None),
    (
        "the client's Close, with an error",
        '{"type":7,"error":"bad"}\x1e',
        {"type": 7},
        "HubError",
    ),
    ("abort", '{"type":1,"target":"Quit","arguments":[]}\x1e', {"type": 7}, None),
    ("a protocol error", "nonsense\x1e", {"type": 7, "error": ERROR, "allowReconnect": True}, "ProtocolError"),
    ("oversize", "x" * 40_000, {"type": 7, "error": ERROR, "allowReconnect": True}, "FrameError"),
]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("says", "close", "error"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_after_the_handshake(transport: str, says: str, close: dict[str, Any], error: object) -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), transport).start()
    assert await talk.say(says) == 200
    assert await talk.rest() == [close]
    assert talk.ended == [ENDED[transport]]
    await end(talk)
    assert departed == [error]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_on_connected_fails(transport: str) -> None:
    talk = await Talk(HubServer({"/hub": Refusing}), transport).start()
    assert await talk.rest() == [{"type": 7, "error": ERROR}]
    assert talk.ended == [ENDED[transport]]
    await end(talk)
    assert departed == []


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("handshake", "error"),
    [
        ('{"protocol":"carrier","version":1}\x1e', "The protocol 'carrier' is not supported."),
        ("nonsense\x1e", "An unexpected error occurred during connection handshake."),
    ],
)
async def test_the_handshake_fails(transport: str, handshake: str, error: str) -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), transport).start(None)
    await talk.until(lambda: talk.polled or talk.down.sent)
    assert await talk.say(handshake) == 200
    (answer,) = await talk.rest()
    assert list(answer) == ["error"]
    assert error in answer["error"]
    assert talk.ended == [ENDED[transport]]
    await end(talk)
    assert departed == []


async def test_an_event_stream_carries_no_bytes() -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), "ServerSentEvents").start(None)
    await talk.until(lambda: talk.down.sent)
    await talk.say('{"protocol":"messagepack","version":1}\x1e')
    text = "Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' transfer "
    assert await talk.rest() == [{"error": f"{text}format."}]
    await end(talk)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_no_handshake_comes(transport: str) -> None:
    hubs = HubServer({"/hub": Quitting}, handshake_timeout=0.01)
    talk = await Talk(hubs, transport).start(None)
    assert await talk.rest() == [{"error": "Handshake was canceled."}]
    assert talk.ended == [ENDED[transport]]
    await end(talk)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_server_stops(transport: str) -> None:
    hubs = HubServer({"/hub": Quitting})
    talk = await Talk(hubs, transport).start()
    await settle()
    async with asyncio.timeout(LIMIT):
        await hubs.aclose()
    assert await talk.rest() == [{"type": 7, "allowReconnect": True}]
    # The next poll may find no connection any more: who stops does not wait for it.
    assert talk.ended in ([ENDED[transport]], [404])
    await end(talk)
    assert departed == [None]


@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
async def test_the_client_vanishes(transport: str) -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), transport).start()
    await talk.vanish()
    assert talk.messages == []
    await end(talk)
    assert departed == [None]


async def test_delete() -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), "LongPolling").start()
    await settle()
    assert await Request(talk.hubs, "DELETE", "/hub", f"id={talk.token}").answer() == (202, b"")
    assert await talk.rest() == [{"type": 7, "allowReconnect": True}]
    assert talk.ended == [404]
    await end(talk)
    assert departed == [None]


async def test_delete_inside_a_message() -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), "LongPolling").start()
    await settle()
    assert await talk.say('{"type":1,"tar') == 200
    assert (await Request(talk.hubs, "DELETE", "/hub", f"id={talk.token}").answer())[0] == 202
    assert await talk.rest() == [{"type": 7, "error": ERROR, "allowReconnect": True}]
    await end(talk)
    assert departed == ["ProtocolError"]


async def test_the_close_and_the_delete_of_a_client_that_stops() -> None:
    """The JavaScript client's last POST may come after its DELETE (spec 2.4)."""
    talk = await Talk(HubServer({"/hub": Quitting}), "LongPolling").start()
    await settle()
    assert (await Request(talk.hubs, "DELETE", "/hub", f"id={talk.token}").answer())[0] == 202
    assert await talk.say('{"type":7}\x1e') == 404
    assert (await Request(talk.hubs, "DELETE", "/hub", f"id={talk.token}").answer())[0] == 404
    await end(talk)


async def test_no_more_polls_come() -> None:
    hubs = HubServer({"/hub": Quitting}, disconnect_timeout=0.01)
    talk = await Talk(hubs, "LongPolling").start()
    await talk.vanish()
    await nothing_left(hubs)
    assert departed == [None]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_and_its_answer_in_one_frame_with_the_handshake(transport: str) -> None:
    talk = await Talk(HubServer({"/hub": Quitting}), transport).start(None)
    await talk.until(lambda: talk.polled or talk.down.sent)
    call = '{"type":1,"invocationId":"1","target":"add","arguments":[1,2]}\x1e'
    await talk.say(HANDSHAKE + call)
    assert [await talk.next(), await talk.next()] == [{}, {"type": 3, "invocationId": "1", "result": 3}]
    await talk.say('{"type":7}\x1e')
    await end(talk)
