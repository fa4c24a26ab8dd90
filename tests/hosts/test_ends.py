"""Every way a connection ends, over real sockets: the reason observers get, the record in the log, the Close that is sent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from hubstream import EndReason, Hub, HubCallerContext, HubServer, Observer, User
from tests.hosts.inside import running
from tests.interop.rawclient import RawHub
from tests.interop.rawhttp import RawEvents, RawPolls, request
from tests.interop.rawsocket import RawSocket

LIMIT = 20.0
CLOSED = "Connection closed with an error."
RS = "\x1e"


class Ending(Hub):
    async def on_connected(self) -> None:
        if "fail" in self.context.request.query:
            raise LookupError("hidden")

    def abort(self) -> None:
        self.context.abort()

    def echo(self, text: str) -> str:
        return text


class Ends(Observer):
    """Keeps how connections ended."""

    def __init__(self) -> None:
        self.opened: list[HubCallerContext] = []
        self.ended: list[tuple[HubCallerContext, EndReason, BaseException | None]] = []
        self.one = asyncio.Event()

    def connection_opened(self, context: HubCallerContext, /) -> None:
        self.opened.append(context)

    def connection_ended(
        self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float, /
    ) -> None:
        assert 0 < seconds < LIMIT
        self.ended.append((context, reason, error))
        self.one.set()


class Case:
    """What a row has in its hand."""

    def __init__(self, hubs: HubServer, url: str, ends: Ends) -> None:
        self.hubs = hubs
        self.url = url
        self.ends = ends
        self.hub: RawHub


async def flood(case: Case) -> None:
    for _ in range(3_000):
        if case.ends.ended:
            return
        await case.hubs.of(Ending).clients.all.send("Flood", "x" * 4_096)


async def reset(case: Case) -> None:
    case.hub.raw.reset()


async def nothing(case: Case) -> None:
    """It ends by itself."""


def soon(request: object) -> User:
    return User("ann", expires=time.time() + 0.5)


@dataclass
class Row:
    """One way to end, and what comes of it."""

    act: Callable[[Case], Awaitable[object]]
    close: dict[str, Any] | None
    """The last message that the client gets."""
    error: str = ""
    transport: str = "WebSockets"
    path: str = "/hub"
    options: dict[str, Any] = field(default_factory=dict)
    level: int = logging.INFO


COME_BACK = {"type": 7, "allowReconnect": True}
ROWS = {
    EndReason.CLIENT_CLOSED: Row(lambda case: case.hub.send({"type": 7}), {"type": 7}),
    EndReason.ABORTED: Row(lambda case: case.hub.send({"type": 1, "target": "abort", "arguments": []}), {"type": 7}),
    EndReason.DISCONNECTED: Row(
        lambda case: case.hubs.disconnect(connection=case.ends.opened[0].connection_id, reason="enough"),
        {"type": 7, "error": "enough"},
    ),
    EndReason.LOGIN_EXPIRED: Row(nothing, COME_BACK, options={"authenticate": soon}),
    EndReason.STOPPED: Row(lambda case: case.hubs.aclose(), COME_BACK),
    EndReason.PROTOCOL_ERROR: Row(
        lambda case: case.hub.send({}),
        {**COME_BACK, "error": CLOSED},
        "Missing required property 'type'.",
        level=logging.WARNING,
    ),
    EndReason.CLIENT_SILENT: Row(
        lambda case: case.hub.ping(),
        {**COME_BACK, "error": CLOSED},
        "Client hasn't sent a message/ping within the configured ClientTimeoutInterval.",
        options={"client_timeout": 0.5},
    ),
    EndReason.NOT_READING: Row(flood, None, "the client does not read what is sent to it", level=logging.WARNING),
    EndReason.CONNECT_FAILED: Row(nothing, {"type": 7, "error": CLOSED}, "hidden", path="/hub?fail=1"),
    EndReason.HANDSHAKE_FAILED: Row(
        nothing, {"error": "The protocol 'carrier' is not supported."}, "The protocol 'carrier' is not supported."
    ),
    EndReason.TRANSPORT_CLOSED: Row(lambda case: case.hub.raw.close(), None),
    EndReason.TRANSPORT_LOST: Row(reset, None),
    EndReason.NOT_POLLING: Row(nothing, None, transport="LongPolling", options={"disconnect_timeout": 0.5}),
}


def test_every_way_has_a_row() -> None:
    assert list(ROWS) == list(EndReason)


@pytest.mark.parametrize("reason", EndReason, ids=lambda it: it.name)
async def test_a_connection_ends(reason: EndReason, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubstream.hub")
    row, ends = ROWS[reason], Ends()
    hubs = HubServer({"/hub": Ending}, observers=[ends], **row.options)
    async with asyncio.timeout(LIMIT), running(hubs) as url:
        case = Case(hubs, url, ends)
        if reason is EndReason.HANDSHAKE_FAILED:  # RawHub's own is right
            case.hub = RawHub(await RawSocket.open(url, "/hub"))
            await case.hub.raw.send('{"protocol":"carrier","version":1}' + RS)
        else:
            buffer = 4_096 if reason is EndReason.NOT_READING else None
            case.hub = await RawHub.open(url, row.path, buffer, row.transport)
            await row.act(case)
        try:
            if row.close is not None:
                assert await case.hub.next() == row.close
            await ends.one.wait()
        finally:
            case.hub.raw.drop()
        ((context, seen, error),) = ends.ended
    assert seen is reason
    assert ends.opened == [context]
    assert row.error == ("" if error is None else str(error))
    (record,) = [vars(it) for it in caplog.records if vars(it).get("event") == "ConnectionEnded"]
    about = {"connection_id": context.connection_id, "reason": reason.label, "transport": row.transport}
    assert {name: record[name] for name in about} == about
    assert record["levelno"] == row.level
    assert (record["msg"] % record["args"]).startswith(f"connection {context.connection_id} ended: {reason.label}")
    assert [it for it in caplog.records if vars(it).get("event") == "ConnectionOpened"]


class Bouncer(Ends):
    def connection_opened(self, context: HubCallerContext, /) -> None:
        super().connection_opened(context)
        context.abort()


@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
async def test_an_observer_may_end_what_has_just_been_opened(transport: str) -> None:
    ends = Bouncer()
    hubs = HubServer({"/hub": Ending}, observers=[ends])
    async with asyncio.timeout(LIMIT), running(hubs) as url:
        if transport == "LongPolling":
            path = await RawPolls.negotiate(url, "/hub")
            assert [(await request(url, "GET", path)).status for _ in range(2)] == [200, 204]
        else:
            raw = await (RawSocket if transport == "WebSockets" else RawEvents).open(url, "/hub")
            assert await raw.receive(LIMIT) is None
            assert raw.closed is not None
            assert raw.closed.code == 1000
            raw.drop()
    assert [reason for _, reason, _ in ends.ended] == [EndReason.ABORTED]
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


STATUSES = {
    EndReason.STOPPED: "app_shutdown",
    EndReason.CLIENT_SILENT: "timeout",
    EndReason.NOT_POLLING: "timeout",
}


@pytest.mark.parametrize("reason", EndReason, ids=lambda it: it.name)
def test_what_opentelemetry_calls_it(reason: EndReason) -> None:
    assert reason.status == STATUSES.get(reason, "normal_closure")
