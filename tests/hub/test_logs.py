"""The log: which records there are, that their ids never change, what each says, and what none may say."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from hubstream import EndReason, Hub, HubError, HubEvent, HubServer, User, authorize
from hubstream.hub.inmemory import InMemoryLifetimeManager
from hubstream.hub.lifetime import LocalConnection
from tests.clock import JumpingLoop
from tests.hub.wire import Wire, call, done, item, raw, turns, until

LOOP = JumpingLoop
"""Ten seconds of waiting pass at once."""

SECRET = "correct horse battery staple"

TABLE = [
    (1, "ConnectionOpened", "INFO"),
    (2, "ConnectionEnded", "INFO"),
    (3, "ConnectFailed", "ERROR"),
    (4, "DisconnectFailed", "ERROR"),
    (5, "LifetimeFailed", "ERROR"),
    (6, "AdmissionFailed", "ERROR"),
    (7, "AdmissionRefused", "INFO"),
    (10, "MethodUnknown", "INFO"),
    (11, "ArgumentsInvalid", "INFO"),
    (12, "CallUnauthorized", "INFO"),
    (13, "CallRefused", "INFO"),
    (14, "ErrorAnswered", "DEBUG"),
    (15, "ErrorUnheard", "INFO"),
    (16, "CallFailed", "ERROR"),
    (17, "ErrorDataInvalid", "ERROR"),
    (18, "LoopHeld", "WARNING"),
    (19, "CallOverdue", "ERROR"),
    (20, "SpawnedTaskFailed", "ERROR"),
    (21, "TaskAbandoned", "ERROR"),
    (22, "ItemInvalid", "INFO"),
    (23, "UploadOverflowed", "WARNING"),
    (24, "AnswerUnexpected", "DEBUG"),
    (30, "ServerStops", "INFO"),
    (31, "StopFailed", "ERROR"),
    (32, "LimitUnreachable", "WARNING"),
    (33, "ObserverFailed", "ERROR"),
]
"""Names and ids are looked for by those who read logs: a row may be added, none may change."""


def test_names_and_ids_never_change() -> None:
    assert [(it.id, it.label, logging.getLevelName(it.level)) for it in HubEvent] == TABLE


def rows(columns: int) -> list[list[str]]:
    """The rows of tables of so many columns on the page about it, without their back quotes."""
    page = (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in cells] for cells in lines if len(cells) == columns]


def test_the_page_has_every_event() -> None:
    assert [(int(id_), name, level) for id_, name, level, _ in rows(4) if id_.isdigit()] == TABLE


def test_the_page_has_every_end() -> None:
    ends = [
        [it.name, it.label, "yes" if it.allow_reconnect else "no", it.status, it.sends_close and it.error]
        for it in EndReason
    ]
    told = [[*cells[:2], *cells[3:], cells[2] in {"with an error", "nobody is there"}] for cells in rows(5)[2:]]
    assert told == ends


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hubstream.hub")


class Colour(Enum):
    RED = "red"


class Broken(HubError):
    """Its data cannot be sent."""

    def __init__(self) -> None:
        super().__init__("no", code="no", data={"what": object()})


class Chat(Hub):
    def paint(self, colour: Colour) -> None: ...

    @authorize
    def members(self) -> None: ...

    def refuse(self) -> None:
        raise HubError("not today", code="never")

    def no_data(self) -> None:
        raise Broken

    def fail(self) -> None:
        raise LookupError("in fail")

    def block(self) -> None:
        time.sleep(0.11)

    async def spawning(self) -> None:
        self.spawn(self._fail())
        await asyncio.sleep(0.01)

    async def _fail(self) -> None:
        raise LookupError("in a task")

    async def stubborn(self) -> None:
        while not GATE[0].is_set():
            try:
                await GATE[0].wait()
            except asyncio.CancelledError:
                continue

    async def leaves(self) -> None:
        self.spawn(self.stubborn())
        await asyncio.sleep(0)

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([n async for n in numbers])

    async def down(self) -> AsyncIterator[int]:
        yield 1

    async def asks_behind(self, numbers: AsyncIterator[int]) -> str:
        return await self.clients.caller.invoke("Ask", result=str)

    def odd(self) -> AsyncIterator[int]:
        return 1  # type: ignore[return-value]  # pyright: ignore[reportReturnType] - the mistake that is looked for


class Greets(Chat):
    async def on_connected(self) -> None:
        raise LookupError("in on_connected")


class Parts(Chat):
    async def on_disconnected(self, error: Exception | None) -> None:
        raise LookupError("in on_disconnected")


GATE = [asyncio.Event()]


def records(caplog: pytest.LogCaptureFixture, event: HubEvent) -> list[dict[str, Any]]:
    found = [vars(record) for record in caplog.records if record.name == "hubstream.hub"]
    assert all(record["event"] and record["event_id"] for record in found), "no record is without its event"
    return [record for record in found if record["event"] == event.label]


# -- each event of a connection, the text and the extra of its record


async def stop(wire: Wire) -> None:
    await SERVERS[0].aclose()


async def abandon(wire: Wire) -> None:
    wire.call("leaves")
    await turns()
    await SERVERS[0].aclose()


async def overdue(wire: Wire) -> None:
    wire.call("stubborn")
    await turns()
    await SERVERS[0].aclose()


async def overflow(wire: Wire) -> None:
    wire.call("asks_behind", streams=["u"])
    assert (await wire.next())["target"] == "Ask"
    for _ in range(80):
        wire.say(*(item("u", n) for n in range(500)))
        await turns(2)


async def end(wire: Wire) -> None:
    wire.end()
    await wire.closed()


async def silence(wire: Wire) -> None:
    wire.say('{"type":6}\x1e')
    await asyncio.sleep(40)


SERVERS: list[HubServer] = []
Act = Callable[[Wire], Awaitable[object] | None]
BY_CALL = ": connection {id}, invocation 1"
ROWS: dict[str, tuple[HubEvent, Act, str, dict[str, Any]]] = {
    "opened": (HubEvent.CONNECTION_OPENED, lambda wire: None, "connection {id} opened: Chat over Memory", {}),
    "ended": (
        HubEvent.CONNECTION_ENDED,
        end,
        "connection {id} ended: transport closed, after ",
        {"reason": "transport closed"},
    ),
    "on_connected": (HubEvent.CONNECT_FAILED, lambda wire: None, "on_connected failed: connection {id}", {}),
    "on_disconnected": (HubEvent.DISCONNECT_FAILED, end, "on_disconnected failed: connection {id}", {}),
    "lifetime": (
        HubEvent.LIFETIME_FAILED,
        end,
        "the lifetime manager failed at the end of connection {id}",
        {},
    ),
    "unknown": (
        HubEvent.METHOD_UNKNOWN,
        lambda wire: wire.call("mis\nsing"),
        f"no method is called 'mis\\nsing'{BY_CALL}",
        {"invocation_id": "1", "method": None},
    ),
    "arguments": (
        HubEvent.ARGUMENTS_INVALID,
        lambda wire: wire.call("paint", SECRET),
        f"the arguments of 'paint' do not fit{BY_CALL}: ",
        {"method": "paint", "invocation_id": "1"},
    ),
    "a count": (
        HubEvent.ARGUMENTS_INVALID,
        lambda wire: wire.call("paint"),
        f"the arguments of 'paint' do not fit{BY_CALL}: 0 argument(s) provided, 1 expected",
        {"method": "paint"},
    ),
    "a list for a stream": (
        HubEvent.ARGUMENTS_INVALID,
        lambda wire: wire.call("asks_behind", [1, 2]),
        f"the arguments of 'asks_behind' do not fit{BY_CALL}: 1 argument(s) provided, 0 expected; 0 stream(s) sent, 1 expected",
        {"method": "asks_behind"},
    ),
    "unauthorized": (
        HubEvent.CALL_UNAUTHORIZED,
        lambda wire: wire.call("members"),
        f"'members' was refused, its user may not{BY_CALL}",
        {"method": "members", "invocation_id": "1"},
    ),
    "refused": (
        HubEvent.CALL_REFUSED,
        lambda wire: wire.call("down"),
        f"a call of 'down' was refused{BY_CALL}: \"The client attempted to invoke the streaming 'down' method",
        {"method": "down", "invocation_id": "1"},
    ),
    "no stream": (
        HubEvent.CALL_REFUSED,
        lambda wire: wire.stream("odd"),
        f"a call of 'odd' was refused{BY_CALL}: \"The value returned by the streaming method 'odd' is not a",
        {"method": "odd", "invocation_id": "1"},
    ),
    "answered": (
        HubEvent.ERROR_ANSWERED,
        lambda wire: wire.call("refuse"),
        f"'refuse' answered with an error{BY_CALL}: not today",
        {"method": "refuse", "invocation_id": "1"},
    ),
    "unheard": (
        HubEvent.ERROR_UNHEARD,
        lambda wire: wire.call("refuse", id=None),
        "'refuse' failed, and its caller awaits no answer: connection {id}, invocation None: not today",
        {"method": "refuse", "invocation_id": None},
    ),
    "failed": (
        HubEvent.CALL_FAILED,
        lambda wire: wire.call("fail"),
        f"'fail' failed{BY_CALL}",
        {"method": "fail", "invocation_id": "1"},
    ),
    "data": (
        HubEvent.ERROR_DATA_INVALID,
        lambda wire: wire.call("no_data"),
        f"the data of an error of 'no_data' cannot be sent{BY_CALL}",
        {"method": "no_data", "invocation_id": "1"},
    ),
    "held": (
        HubEvent.LOOP_HELD,
        lambda wire: wire.call("block"),
        "'block' held the event loop for 1",
        {"method": "block", "invocation_id": "1"},
    ),
    "overdue": (
        HubEvent.CALL_OVERDUE,
        overdue,
        f"'stubborn' did not end 2 s after it was cancelled{BY_CALL}",
        {"method": "stubborn", "invocation_id": "1", "seconds": 2},
    ),
    "spawned": (
        HubEvent.SPAWNED_TASK_FAILED,
        lambda wire: wire.call("spawning"),
        f"a task of 'spawning' failed{BY_CALL}",
        {"method": "spawning", "invocation_id": "1"},
    ),
    "abandoned": (
        HubEvent.TASK_ABANDONED,
        abandon,
        "a task did not end after it was cancelled: connection {id}: <Task cancelling name='Task-",
        {},
    ),
    "an item": (
        HubEvent.ITEM_INVALID,
        lambda wire: wire.say(call("total", streams=["u"]), item("u", SECRET)),
        "an item does not fit: connection {id}, stream 'u': Expected `int`, got `str`",
        {},
    ),
    "overflow": (
        HubEvent.UPLOAD_OVERFLOWED,
        overflow,
        "the stream 'u' is over: its buffer was full, and an answer was behind it: connection {id}",
        {},
    ),
    "an answer": (
        HubEvent.ANSWER_UNEXPECTED,
        lambda wire: wire.say(done("s99")),
        "nobody awaits 's99': connection {id}",
        {},
    ),
}
HUBS = {"on_connected": Greets, "on_disconnected": Parts}


class Leaving(InMemoryLifetimeManager):
    """One that is told of connections elsewhere, and fails at it."""

    joins = True

    async def disconnected(self, connection: LocalConnection) -> None:
        raise LookupError("far away")


@pytest.mark.parametrize("case", ROWS)
async def test_a_record_of_each_event(
    case: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, act, text, extra = ROWS[case]
    if case == "lifetime":
        monkeypatch.setattr("hubstream.hub.server.InMemoryLifetimeManager", Leaving)
    GATE[:] = [asyncio.Event()]
    hub = HUBS.get(case, Chat)
    hubs = HubServer({"/hub": hub}, stop_timeout=2)
    SERVERS[:] = [hubs]
    user = None if case == "unauthorized" else User("ann")
    async with raw(hubs, user=user) as wire:
        id_ = wire.server.connection_id
        if (acting := act(wire)) is not None:
            await acting
        await until(lambda: records(caplog, event))
        GATE[0].set()
    (record,) = records(caplog, event)
    assert (record["msg"] % record["args"]).startswith(text.format(id=id_))
    about = {"connection_id": id_, "user_id": user and "ann", "hub": hub.__name__, "transport": "Memory", **extra}
    assert {name: record[name] for name in about} == about
    assert record["levelno"] == event.level
    assert (record["exc_info"] is not None) is (event.level == logging.ERROR and "did not end" not in text)
    assert SECRET not in caplog.text, "payloads are never logged"
    if event is HubEvent.TASK_ABANDONED:
        assert "Chat.stubborn() running at" in caplog.text


OURS: list[tuple[Act, str]] = [
    (
        lambda wire: wire.say("x" * 33_000),
        "The maximum message size of 32768B was exceeded. It is set by max_message_size=.",
    ),
    (silence, "Client hasn't sent a message/ping within the configured client_timeout=."),
]
"""What clients are told with the options of ASP.NET Core is logged with those there are here."""


@pytest.mark.parametrize(("act", "text"), OURS)
async def test_the_options_are_called_as_they_are_here(act: Act, text: str, caplog: pytest.LogCaptureFixture) -> None:
    async with raw(HubServer({"/hub": Chat}, detailed_errors=True)) as wire:
        if (acting := act(wire)) is not None:
            await acting
        await wire.closed()
    (record,) = records(caplog, HubEvent.CONNECTION_ENDED)
    assert text in record["msg"] % record["args"]


# -- the events of a server


async def test_that_the_server_stops_is_an_event(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise LookupError("no end")

    hubs = HubServer({"/hub": Chat})
    monkeypatch.setattr(hubs, "aclose", fails)  # when the first client comes, it is what the stop watch calls
    async with raw(hubs):
        monkeypatch.setattr("hubstream.hub.stopping.server_stops", lambda: True)
        await asyncio.sleep(1.5)  # a tick of the clock, which jumps
        await until(lambda: records(caplog, HubEvent.STOP_FAILED))
        monkeypatch.undo()
    assert len(records(caplog, HubEvent.SERVER_STOPS)) == 1


def test_every_event_is_tried() -> None:
    elsewhere = {
        HubEvent.ADMISSION_FAILED,
        HubEvent.ADMISSION_REFUSED,
        HubEvent.SERVER_STOPS,
        HubEvent.STOP_FAILED,
        HubEvent.LIMIT_UNREACHABLE,  # tests/hosts/test_limits.py
        HubEvent.OBSERVER_FAILED,  # test_observer.py
    }
    assert {row[0] for row in ROWS.values()} | elsewhere == set(HubEvent)


async def test_a_log_that_is_off_costs_no_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "hubstream.hub")
    async with raw(HubServer({"/hub": Chat})) as wire:
        wire.call("missing")
        assert "error" in await wire.next()
    assert not caplog.records
