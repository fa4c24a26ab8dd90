"""What the server calls, and what the user gives to be called, runs in threads beside the blocking connection."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from queue import Queue
from typing import Any

import pytest

from hubstream import ConnectionLost, MappingError
from hubstream.blocking import HubConnection
from hubstream.blocking import threads as threads_module
from hubstream.blocking.threads import Threads, as_exception
from tests.blocking.served import LIMIT, heard
from tests.blocking.test_calls import until


def test_handlers_run_in_order_off_the_loop_and_may_call_the_server(connection: HubConnection) -> None:
    got: Queue[Any] = Queue()

    @connection.on("Said")
    def said(text: str) -> None:
        got.put((text, connection.invoke("add", len(text), 1, result=int), threading.current_thread()))

    connection.invoke("say", "said", ["a", "bb", "ccc"])
    heard = [got.get(timeout=LIMIT) for _ in range(3)]
    assert [(text, length) for text, length, _ in heard] == [("a", 2), ("bb", 3), ("ccc", 4)]
    assert threading.current_thread() not in {thread for _, _, thread in heard}
    assert said.__name__ == "said"


def test_a_handler_that_blocks_holds_up_no_call(connection: HubConnection) -> None:
    go = threading.Event()
    got: Queue[str] = Queue()

    @connection.on("hangs")
    def hangs(text: str) -> None:
        go.wait(LIMIT)

    connection.on("said", got.put)
    connection.invoke("say", "hangs", ["a"])
    assert connection.invoke("add", 1, 2) == 3
    connection.invoke("say", "said", ["b"])
    assert got.get(timeout=LIMIT) == "b"  # a second later: then others no longer wait for it
    go.set()


def test_a_question_is_answered(connection: HubConnection) -> None:
    @connection.on("answer")
    def answer(question: str) -> str:
        if question == "fails":
            raise ValueError("no answer")
        if question == "exits":
            raise SystemExit(3)
        return f"{question} {connection.invoke('add', 40, 2, result=int)}"

    assert connection.invoke("ask", "what", result=str) == "what 42"
    for question in ("fails", "exits"):
        with pytest.raises(Exception, match="unexpected error"):
            connection.invoke("ask", question)
    assert connection.invoke("ask", "still", result=str) == "still 42"


def has(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


def test_what_a_handler_raises_is_logged(connection: HubConnection, caplog: pytest.LogCaptureFixture) -> None:
    @connection.on("fails")
    def fails(text: str) -> None:
        raise ValueError("on purpose")

    @connection.on("exits")
    def exits(text: str) -> None:
        raise SystemExit(3)

    for name, text in (("fails", "on purpose"), ("exits", "SystemExit(3)")):
        connection.invoke("say", name, ["a"])
        until(partial(has, caplog, text))
    assert connection.invoke("add", 1, 2) == 3


def test_handlers_that_cannot_be(url: str) -> None:
    connection = HubConnection(url)

    async def coroutine() -> None: ...

    with pytest.raises(MappingError, match="'a' is a coroutine function"):
        connection.on("a", coroutine)
    with pytest.raises(MappingError, match="no signature"):
        connection.on("a", max)
    connection.on("a", lambda: 1)


def test_a_handler_is_taken_away(connection: HubConnection) -> None:
    got: Queue[str] = Queue()
    others: list[str] = []
    connection.on("said", others.append)
    connection.on("said", got.put)
    connection.off("SAID", others.append)
    connection.invoke("say", "said", ["a"])
    assert got.get(timeout=LIMIT) == "a"
    connection.off("said")
    connection.invoke("say", "said", ["b"])
    connection.on("said", got.put)
    connection.invoke("say", "said", ["c"])
    assert got.get(timeout=LIMIT) == "c"
    assert others == []


def test_a_handler_may_stop_the_connection(url: str) -> None:
    connection = HubConnection(url)
    stopped: Queue[str] = Queue()

    @connection.on("stop")
    def stop(text: str) -> None:
        connection.stop()
        stopped.put(text)

    connection.start()
    connection.invoke("say", "stop", ["now"])
    assert stopped.get(timeout=LIMIT) == "now"
    assert connection.state == "Disconnected"


def test_events(url: str) -> None:
    got: Queue[Any] = Queue()
    connection = HubConnection(url, reconnect=[0.0])

    @connection.on_reconnecting
    def reconnecting(error: Exception | None) -> None:
        got.put(("reconnecting", connection.state, threading.current_thread().name))

    @connection.on_reconnected
    def reconnected(connection_id: str | None) -> None:
        got.put(("reconnected", connection_id, connection.invoke("add", 1, 2)))

    @connection.on_close
    def closed(error: Exception | None) -> None:
        got.put(("closed", error))

    with connection:
        with pytest.raises(ConnectionLost):
            connection.invoke("cut")
        assert got.get(timeout=LIMIT) == ("reconnecting", "Reconnecting", "hubstream-function")
        assert got.get(timeout=LIMIT) == ("reconnected", connection.connection_id, 3)
    assert got.get(timeout=LIMIT) == ("closed", None)


def test_a_stream_goes_on_after_a_reconnect(url: str) -> None:
    with HubConnection(url, reconnect=[0.0, 0.1]) as connection:
        first = connection.connection_id
        got: list[int] = []
        for n in connection.stream("counter", 100_000, item=int, resume=lambda n: (100_000, n + 1)):
            got.append(n)
            if n == 500:
                connection.send("cut")
        assert got == list(range(100_000))
        assert connection.connection_id != first


def test_a_token_may_block_and_is_asked_in_a_thread(url: str) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append(threading.current_thread().name)
        with HubConnection(url) as other:  # as one that asks a server for it
            return str(other.invoke("add", 1, 2))

    with HubConnection(url, token=token) as connection:
        assert connection.invoke("who", result=str) == "3"
    assert set(asked) == {"hubstream-function"}


def test_what_runs_in_the_loop_may_not_wait_for_it(url: str) -> None:
    with HubConnection(url, reconnect=[0.0]) as connection:
        numbers = connection.stream("rare", item=int, resume=lambda n: connection.invoke("add", 1, 2))
        assert next(numbers) == 0
        connection.send("cut")
        with pytest.raises(RuntimeError, match="where it may not wait for the connection"):
            next(numbers)


def test_a_connection_nobody_has_is_stopped(url: str) -> None:
    connection = HubConnection(url)
    connection.start()
    gone = ("gone", connection.connection_id)
    del connection
    assert heard(gone)


async def test_threads_are_used_again() -> None:
    threads = Threads()
    names = {await threads.run(threading.get_ident) for _ in range(20)}
    assert len(names) <= 2  # the first may not be back yet


async def test_threads_without_work_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "IDLE", 0.01)
    threads = Threads()
    thread = await threads.run(threading.current_thread)
    await asyncio.to_thread(thread.join, LIMIT)
    assert not thread.is_alive()
    assert await threads.run(lambda: 3) == 3


async def test_threads_under_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "IDLE", 0.0)  # each is about to end when it may be needed again
    threads = Threads()
    async with asyncio.timeout(LIMIT):
        for _ in range(200):
            assert await asyncio.gather(*(threads.run(int, str(n)) for n in range(5))) == [0, 1, 2, 3, 4]


def test_exceptions_for_tasks() -> None:
    error = ValueError("x")
    assert as_exception(error) is error
    for other in (StopIteration(1), SystemExit(1), KeyboardInterrupt()):
        wrapped = as_exception(other)
        assert (type(wrapped), wrapped.__cause__) == (RuntimeError, other)
