"""Each option of a hub server: two values, and a difference seen on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from hubstream import (
    DOTNET,
    PYTHON,
    Hub,
    HubCallerContext,
    HubFilter,
    HubInvocationContext,
    HubServer,
    Observer,
    User,
)
from hubstream.hub.options import HubOptions
from tests.transports.asgi.driven import Server, Watched, gone, scope, settle
from tests.transports.asgi.exchange import LIMIT, body
from tests.transports.asgi.talk import HANDSHAKE, Request, Talk

SECRET = b"a secret of at least 16 bytes"


@dataclass
class Point:
    x_value: int


class Sample(Hub):
    def __init__(self, greeting: str = "hello") -> None:
        self.greeting = greeting

    async def greet(self) -> str:
        return self.greeting

    async def fail(self) -> None:
        raise LookupError("hidden")

    def whoami(self) -> str | None:
        return self.context.user_id

    async def wait(self, milliseconds: int) -> int:
        await asyncio.sleep(milliseconds / 1000)
        return milliseconds

    async def blocks(self, count: int, size: int) -> AsyncIterator[str]:
        for _ in range(count):
            yield "x" * size

    async def ask(self) -> str:
        try:
            await self.clients.caller.invoke("Ask")
        except TimeoutError:
            return "no answer"
        return "answered"

    async def never(self) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    async def stubborn(self) -> AsyncIterator[int]:
        try:
            while True:
                yield 0
                await asyncio.sleep(0.001)
        finally:
            await asyncio.sleep(100)

    async def ignore(self, items: AsyncIterator[int]) -> None:
        await asyncio.Event().wait()

    async def point(self) -> Point:
        return Point(1)


def invocation(target: str, *arguments: Any, streams: list[str] | None = None, number: str = "1") -> dict[str, Any]:
    message = {"type": 1, "invocationId": number, "target": target, "arguments": list(arguments)}
    return message if streams is None else {**message, "streamIds": streams}


async def talk(transport: str = "LongPolling", handshake: str | None = HANDSHAKE, **options: Any) -> Talk:
    return await Talk(HubServer({"/hub": Sample}, **options), transport).start(handshake)


clocks: list[Watched] = []


class Kept(Watched):
    """Can be found by a test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        clocks.append(self)


@pytest.fixture(autouse=True)
def kept_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks.clear()
    monkeypatch.setattr("hubstream.hub.server.Clock", Kept)


async def later(seconds: float) -> None:
    """The tick of the newest server's clock that comes then."""
    clocks[-1].later(seconds)
    await settle()


class Loud(HubFilter):
    async def on_call(self, call: HubInvocationContext, next: Callable[..., Awaitable[Any]], /) -> Any:
        result = await next(call)
        return result.upper()


opened: list[str] = []


class Doorman(Observer):
    def connection_opened(self, context: HubCallerContext, /) -> None:
        opened.append(context.transport)


def bonjour(hub: type[Hub]) -> Hub:
    return Sample("bonjour") if hub is Sample else hub()


async def transports(value: tuple[str, ...]) -> object:
    answer = await Talk(HubServer({"/hub": Sample}, transports=value), "LongPolling").negotiate()
    return [transport["transport"] for transport in answer["availableTransports"]]


async def minimum_protocol_version(value: int) -> object:
    hubs = HubServer({"/hub": Sample}, minimum_protocol_version=value)
    _, answer = await Request(hubs, "POST", "/hub/negotiate", "").answer()
    return b"error" in answer


async def disconnect_timeout(value: float) -> object:
    hubs = HubServer({"/hub": Sample}, disconnect_timeout=value)
    client = Talk(hubs, "LongPolling")
    await client.negotiate()
    await later(3)
    return (await Request(hubs, "GET", "/hub", f"id={client.token}").answer())[0]


async def poll_timeout(value: float) -> object:
    client = await talk(poll_timeout=value)
    polls = client.polled
    await asyncio.sleep(0.1)
    return client.polled > polls


async def send_timeout(value: float) -> object:
    client = await talk("ServerSentEvents", send_timeout=value)
    client.down.room.clear()
    await client.say(invocation("greet"))
    await settle()
    await later(3)
    return client.hubs.snapshot()["connections"]


async def transport_buffer(value: int) -> object:
    client = await talk(transport_buffer=value)
    client.polls = False
    await client.say({"type": 4, "invocationId": "0", "target": "wait", "arguments": []})  # ends the poll that waits
    await client.finish_polling()
    await client.say({"type": 4, "invocationId": "1", "target": "blocks", "arguments": [20, 20_000]})
    for _ in range(10):
        await settle()
    _, answer = await Request(client.hubs, "GET", "/hub", f"id={client.token}").answer()
    return answer.count(b"\x1e")


async def application_buffer(value: int) -> object:
    hubs = HubServer({"/hub": Sample}, application_buffer=value)
    client = Talk(hubs, "LongPolling")
    await client.negotiate()
    post = Request(hubs, "POST", "/hub", f"id={client.token}", body(b"x" * 50))
    await settle()
    return post.call.done()


async def secret(value: bytes | None) -> object:
    one, other = (HubServer({"/hub": Sample}, secret=value) for _ in range(2))
    client = Talk(one, "WebSockets")
    await client.negotiate()
    server = Server({"type": "websocket.connect"})
    call = asyncio.create_task(other(scope("websocket", "/hub", f"id={client.token}"), server.receive, server.send))
    await settle()
    server.gives(gone(1000))
    async with asyncio.timeout(LIMIT):
        await call
    return server.types[0]


async def origins(value: tuple[str, ...]) -> object:
    hubs = HubServer({"/hub": Sample}, origins=value)
    server = Server({"type": "websocket.connect"}, gone(1000))
    cross = {"origin": "https://a.example", "host": "b.example", "cookie": "session=1"}
    await hubs(scope("websocket", "/hub", **cross), server.receive, server.send)
    return server.types[0]


async def keep_alive(value: float) -> object:
    client = await talk("ServerSentEvents", keep_alive=value)
    await later(3)
    return client.pings > 0


async def client_timeout(value: float) -> object:
    client = await talk("ServerSentEvents", client_timeout=value)
    await client.say({"type": 6})
    await settle()
    await later(3)
    return client.messages


async def handshake_timeout(value: float) -> object:
    client = await talk("WebSockets", None, handshake_timeout=value)
    await settle()
    await later(3)
    return client.messages


async def max_message_size(value: int | None) -> object:
    client = await talk(max_message_size=value)
    await client.say({"type": 1, "invocationId": "1", "target": "greet", "arguments": [], "ignored": "x" * 40_000})
    return await client.next()


async def stream_buffer(value: int) -> object:
    client = await talk(stream_buffer=value)
    await client.say(invocation("ignore", streams=["s"]))
    item = {"type": 2, "invocationId": "s", "item": 1}
    await client.say(*[item] * 20)
    for _ in range(4):
        await client.say({**item, "ignored": "x" * 20_000})
    held = asyncio.create_task(client.say(item))
    await settle()
    return held.done()


async def parallel_invocations(value: int) -> object:
    client = await talk(parallel_invocations=value)
    await client.say(invocation("wait", 100), invocation("wait", 1, number="2"))
    return (await client.next())["result"]


async def max_streams(value: int) -> object:
    client = await talk(max_streams=value)
    for number in ("1", "2"):
        await client.say({"type": 4, "invocationId": number, "target": "never", "arguments": []})
    await client.say(invocation("greet", number="3"))
    return "error" in await client.next()


async def client_result_timeout(value: float | None) -> object:
    client = await talk(client_result_timeout=value)
    await client.say(invocation("ask"))
    question = await client.next()
    await asyncio.sleep(0.1)
    await client.say({"type": 3, "invocationId": question["invocationId"], "result": None})
    return (await client.next())["result"]


async def stop_timeout(value: float) -> object:
    client = await talk("WebSockets", stop_timeout=value)
    await client.say({"type": 4, "invocationId": "1", "target": "stubborn", "arguments": []})
    await client.next()
    await client.say({"type": 5, "invocationId": "1"})
    await asyncio.sleep(0.3)
    return {"type": 3, "invocationId": "1"} in client.messages


async def detailed_errors(value: bool) -> object:
    client = await talk(detailed_errors=value)
    await client.say(invocation("fail"))
    return "hidden" in (await client.next())["error"]


async def protocols(value: tuple[str, ...]) -> object:
    client = await talk("WebSockets", None, protocols=value)
    await client.say(HANDSHAKE)
    return list(await client.next())


async def payloads(value: Any) -> object:
    client = await talk(payloads=value)
    await client.say(invocation("point"))
    return (await client.next())["result"]


async def filters(value: tuple[HubFilter, ...]) -> object:
    client = await talk(filters=value)
    await client.say(invocation("greet"))
    return (await client.next())["result"]


async def observers(value: tuple[Observer, ...]) -> object:
    opened.clear()
    await talk(observers=value)
    return opened


async def authenticate(value: Callable[[Any], User | None] | None) -> object:
    client = await talk(authenticate=value)
    await client.say(invocation("whoami"))
    return (await client.next())["result"]


async def factory(value: Callable[[type[Hub]], Hub] | None) -> object:
    client = await talk(factory=value)
    await client.say(invocation("greet"))
    return (await client.next())["result"]


TOO_LONG = {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}
REFUSED, TAKEN = "http.response.start", "accept"


def ann(_: object) -> User:
    return User("ann")


ROWS: list[tuple[Callable[[Any], Coroutine[Any, Any, object]], object, object, object, object]] = [
    (transports, ("WebSockets", "LongPolling"), ["WebSockets", "LongPolling"], ("LongPolling",), ["LongPolling"]),
    (minimum_protocol_version, 0, False, 1, True),
    (disconnect_timeout, 15, 200, 0.01, 404),
    (poll_timeout, 90, False, 0.01, True),
    (send_timeout, 10, 1, 0.01, 0),
    (transport_buffer, 65_536, 4, 1, 1),
    (application_buffer, 65_536, True, 50, False),
    (secret, SECRET, TAKEN, None, REFUSED),
    (origins, (), REFUSED, ("https://a.example",), TAKEN),
    (keep_alive, 15, False, 0.01, True),
    (client_timeout, 30, [], 0.01, [TOO_LONG]),
    (handshake_timeout, 15, [], 0.01, [{"error": "Handshake was canceled."}]),
    (max_message_size, None, {"type": 3, "invocationId": "1", "result": "hello"}, 32_768, TOO_LONG),
    (stream_buffer, 100, True, 10, False),
    (parallel_invocations, 1, 100, 2, 1),
    (max_streams, 2, False, 1, True),
    (client_result_timeout, None, "answered", 0.01, "no answer"),
    (stop_timeout, 5, False, 0.01, True),
    (detailed_errors, False, False, True, True),
    (protocols, ("json", "messagepack"), [], ("messagepack",), ["error"]),
    (payloads, PYTHON, {"x_value": 1}, DOTNET, {"xValue": 1}),
    (filters, (), "hello", (Loud(),), "HELLO"),
    (observers, (), [], (Doorman(),), ["LongPolling"]),
    (authenticate, None, None, ann, "ann"),
    (factory, None, "hello", bonjour, "bonjour"),
]


@pytest.mark.parametrize(("see", "one", "seen", "other", "seen_then"), ROWS, ids=[row[0].__name__ for row in ROWS])
async def test_two_values(see: Any, one: object, seen: object, other: object, seen_then: object) -> None:
    assert seen != seen_then
    assert await see(one) == seen
    assert await see(other) == seen_then


def test_every_option_has_a_row() -> None:
    assert sorted(row[0].__name__ for row in ROWS) == sorted(HubOptions.__dataclass_fields__)


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("transports", ("Carrier",), "no such transport: Carrier"),
        ("transports", (), "transports"),
        ("transports", "WebSockets", "list of texts"),
        ("disconnect_timeout", 0, "above 0"),
        ("poll_timeout", -1, "above 0"),
        ("send_timeout", 0, "above 0"),
        ("client_result_timeout", 0, "above 0"),
        ("client_result_timeout", "3", "above 0"),
        ("max_message_size", 0, "number of bytes"),
        ("max_message_size", "1", "number of bytes"),
        ("transport_buffer", 0, "at least 1"),
        ("application_buffer", 0, "at least 1"),
        ("minimum_protocol_version", 2, "0 or 1"),
        ("origins", ["*"], r"one by one, such as 'https://example.com', not \*"),
        ("origins", ["https://a.example", "b.example"], "not b.example"),
        ("secret", "short", "16 bytes"),
        ("secret", b"", "16 bytes"),
        ("secret", 5, "16 bytes"),
        ("filters", Loud(), "filters are objects of classes derived from HubFilter, in a list"),
        ("observers", Doorman(), "observers are objects of classes derived from Observer, in a list"),
        ("payloads", "dotnet", "PYTHON, DOTNET"),
        ("factory", 3, "factory is a function"),
    ],
)
def test_values_that_make_no_sense(option: str, value: Any, text: str) -> None:
    options: Any = {option: value}
    with pytest.raises((ValueError, TypeError), match=text):
        HubServer({"/hub": Sample}, **options)


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(HubOptions(secret=SECRET)).replace("secret=", "")
