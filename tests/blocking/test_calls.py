"""Calls, streams and uploads by the blocking client, over a real server."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import hubstream
from hubstream import ConnectionLost, HubError
from hubstream.blocking import HubConnection, Stream
from hubstream.blocking.connection import within
from hubstream.blocking.loop_thread import loop_thread
from tests.blocking.served import LIMIT, go_on, heard, seen


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_its_options_are_those_of_the_other() -> None:
    ours = inspect.signature(HubConnection).parameters
    theirs = dict(inspect.signature(hubstream.HubConnection).parameters)
    del theirs["session"]  # it belongs to an event loop
    assert list(ours) == list(theirs)
    assert [p.default for p in ours.values()] == [p.default for p in theirs.values()]


@pytest.mark.parametrize(
    "name", ["invoke", "send", "stream", "on", "off", "on_close", "on_reconnecting", "on_reconnected"]
)
def test_its_methods_take_what_the_others_take(name: str) -> None:
    ours = dict(inspect.signature(getattr(HubConnection, name)).parameters)
    ours.pop("timeout", None)
    assert list(ours) == list(inspect.signature(getattr(hubstream.HubConnection, name)).parameters)


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize("transport", ["WebSockets", "LongPolling"])
def test_a_call(url: str, protocol: Any, transport: str) -> None:
    connection = HubConnection(url, protocol=protocol, transports=[transport])
    assert (connection.state, connection.connection_id, connection.transport) == ("Disconnected", None, None)
    with connection as same:
        assert same is connection
        assert (connection.state, connection.transport) == ("Connected", transport)
        assert connection.invoke("add", 1, 2, result=int) == 3
        gone = ("gone", connection.connection_id)
    assert connection.state == "Disconnected"
    assert heard(gone)


def test_errors(connection: HubConnection) -> None:
    with pytest.raises(HubError, match="it broke") as caught:
        connection.invoke("fail", "it broke")
    assert caught.value.code == "broken"
    with pytest.raises(HubError, match="Error trying to deserialize result to str"):
        connection.invoke("add", 1, 2, result=str)
    with pytest.raises(TypeError, match="argument 1 of 'add' cannot be sent"):
        connection.invoke("add", object())
    assert connection.invoke("add", 1, 2) == 3


def test_it_is_started_and_stopped(url: str) -> None:
    connection = HubConnection(url)
    connection.stop()
    for call in (lambda: connection.invoke("add", 1, 2), lambda: connection.send("add", 1, 2)):
        with pytest.raises(ConnectionLost, match="cannot be called if the connection is not active"):
            call()
    with pytest.raises(ConnectionLost, match="cannot be called if the connection is not active"):
        next(connection.stream("counter", 3))
    for _ in range(2):
        connection.start()
        with pytest.raises(RuntimeError, match="not in the Disconnected state"):
            connection.start()
        assert connection.invoke("add", 1, 2, result=int) == 3
        connection.close()
        connection.close()


def test_a_server_that_is_not_there() -> None:
    connection = HubConnection("http://127.0.0.1:9/works")
    with pytest.raises(hubstream.TransportError):
        connection.start()
    assert connection.state == "Disconnected"


def test_a_call_that_takes_too_long_is_cancelled(connection: HubConnection) -> None:
    with pytest.raises(TimeoutError, match=r"the result of 'wait' did not come within 0\.05 s"):
        connection.invoke("wait", timeout=0.05)
    assert heard("waiting")
    assert heard("cancelled")
    assert connection.invoke("add", 1, 2, timeout=LIMIT) == 3
    connection.send("add", 1, 2, timeout=LIMIT)


def test_a_token_that_is_no_function() -> None:
    token: Any = "a token"
    with pytest.raises(TypeError, match="token is a function that gives the token"):
        HubConnection("http://127.0.0.1:9/works", token=token)


@pytest.mark.parametrize("handed_over", [True, False])
def test_ctrl_c_while_a_call_is_handed_over(
    connection: HubConnection, monkeypatch: pytest.MonkeyPatch, handed_over: bool
) -> None:
    loop = loop_thread().loop
    hand_over = loop.call_soon_threadsafe

    def interrupted(callback: Callable[[], object]) -> None:
        monkeypatch.undo()
        if handed_over:
            hand_over(callback)
            heard("waiting")
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        connection.invoke("wait")
    if handed_over:
        assert heard("cancelled")
    assert connection.invoke("add", 1, 2, timeout=LIMIT) == 3


async def test_a_time_out_that_is_not_ours_stays_what_it_is() -> None:
    async def fails() -> None:
        raise TimeoutError("the disk")

    with pytest.raises(TimeoutError, match="the disk"):
        await within(fails(), 10, "the result of 'wait'")


def test_calls_of_several_threads(connection: HubConnection) -> None:
    results: list[list[int]] = []

    def work(number: int) -> None:
        results.append([connection.invoke("add", number, n, result=int) for n in range(20)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert sorted(results) == [[number + n for n in range(20)] for number in range(8)]


def test_what_waits_when_it_is_stopped_elsewhere(connection: HubConnection) -> None:
    errors: list[Exception] = []

    def work() -> None:
        try:
            connection.invoke("wait")
        except ConnectionLost as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert heard("waiting")
    connection.stop()
    thread.join(LIMIT)
    assert [str(error) for error in errors] == ["Invocation canceled due to the underlying connection being closed."]


def shout(question: str) -> str:
    return f"{question}!"


async def test_in_a_thread_whose_event_loop_runs(url: str) -> None:
    # As in a notebook, whose kernel runs one: nothing of it is used, and nothing is in its way.
    assert asyncio.get_running_loop().is_running()
    with HubConnection(url) as connection:
        connection.on("answer", shout)
        assert connection.invoke("ask", "well", result=str) == "well!"
        assert list(connection.stream("counter", 3, item=int)) == [0, 1, 2]
        assert connection.invoke("total", iter([1, 2]), result=int) == 3


def test_a_stream(connection: HubConnection) -> None:
    assert list(connection.stream("counter", 1_000, item=int)) == list(range(1_000))
    with connection.stream("counter", 3, item=int) as numbers:
        assert iter(numbers) is numbers
        assert next(numbers) == 0
        assert list(numbers) == [1, 2]
        assert list(numbers) == []
    assert isinstance(numbers, Stream)


def leave_the_block(connection: HubConnection) -> None:
    with connection.stream("forever", item=int) as numbers:
        for n in numbers:
            if n == 3:
                break
    assert list(numbers) == []


def leave_the_loop(connection: HubConnection) -> None:
    for n in connection.stream("forever", item=int):
        if n == 3:
            break


def close(connection: HubConnection) -> None:
    numbers = connection.stream("forever", item=int)
    assert next(numbers) == 0
    numbers.close()
    assert list(numbers) == []


def wait_too_long(connection: HubConnection) -> None:
    numbers = connection.stream("rare", item=int, timeout=0.05)
    assert next(numbers) == 0
    with pytest.raises(TimeoutError, match=r"the next item of 'rare' did not come within 0\.05 s"):
        next(numbers)
    assert list(numbers) == []


@pytest.mark.parametrize("leave", [leave_the_block, leave_the_loop, close, wait_too_long])
def test_a_stream_that_is_left_is_cancelled(connection: HubConnection, leave: Callable[[HubConnection], None]) -> None:
    leave(connection)
    assert heard("stopped")
    assert connection.invoke("add", 1, 2) == 3


@pytest.mark.parametrize(
    ("method", "arguments", "before", "text"),
    [("failing", [50], list(range(50)), "no more"), ("mixed", [], [1, 2], "deserialize item to int")],
)
def test_what_came_before_an_error_comes_before_it(
    connection: HubConnection, method: str, arguments: list[int], before: list[int], text: str
) -> None:
    numbers = connection.stream(method, *arguments, item=int)
    assert [next(numbers) for _ in before] == before
    for _ in range(2):
        with pytest.raises(HubError, match=text):
            next(numbers)


def test_a_stream_that_is_not_read_makes_the_server_wait(connection: HubConnection) -> None:
    with connection.stream("blocks", 10_000, item=bytes) as blocks:
        assert len(next(blocks)) == 16_384
        assert connection.invoke("add", 1, 2) == 3
    _, produced = heard("blocks")
    assert produced < 2_000  # of 160 MB what lies in sockets and buffers


def test_policies_hold_for_each_item(connection: HubConnection) -> None:
    with connection.stream("counter", 1_000, item=int, policy="latest") as numbers:
        until(lambda: numbers.dropped == 999)
        assert list(numbers) == [999]
    with pytest.raises(ValueError, match="buffer holds at least one item"):
        connection.stream("counter", 3, buffer=0)


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_uploads(url: str, protocol: Any) -> None:
    with HubConnection(url, protocol=protocol) as connection:
        assert connection.invoke("total", (n for n in range(1_000)), result=int) == 499_500
        assert connection.invoke("total", iter([1, 2]), result=int) == 3
        assert connection.invoke("both", iter([1, 2]), iter([3]), result=list[int]) == [3, 3]
        assert list(connection.stream("double", iter(range(100)), item=int)) == list(range(0, 200, 2))
        connection.send("total", iter([1, 2]))


def test_a_generator_runs_and_is_closed_in_one_thread(connection: HubConnection) -> None:
    threads: list[threading.Thread] = []

    def numbers() -> Iterator[int]:
        try:
            for n in range(100):
                threads.append(threading.current_thread())
                yield n
        finally:
            threads.append(threading.current_thread())

    assert connection.invoke("first", numbers(), result=int) == 0
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert len(threads) <= 100  # it was closed, and before the call returned


def test_a_generator_is_pulled_no_faster_than_it_is_sent(connection: HubConnection) -> None:
    pulled: list[int] = []
    sizes: list[int] = []

    def pieces() -> Iterator[bytes]:
        for n in range(3_000):
            pulled.append(n)
            yield bytes(16_384)

    go_on.clear()
    call = threading.Thread(target=lambda: sizes.append(connection.invoke("hesitant", pieces(), result=int)))
    call.start()
    assert heard("hesitates")
    before = -1
    while before != len(pulled):  # until it stands still
        before = len(pulled)
        time.sleep(0.1)
    assert before < 1_500  # of 49 MB what lies in sockets and buffers
    go_on.set()
    call.join(LIMIT)
    assert sizes == [3_000 * 16_384]


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3)], ids=repr)
def test_what_a_generator_raises(connection: HubConnection, error: BaseException) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(HubError, match="unexpected error") as caught:
        connection.invoke("total", numbers(), result=int)
    cause = caught.value.__cause__
    assert error in {cause, cause.__cause__ if cause is not None else None}


def test_a_generator_that_waits_holds_up_no_answer(connection: HubConnection, caplog: pytest.LogCaptureFixture) -> None:
    go, closed = threading.Event(), threading.Event()
    go_on.clear()

    def numbers() -> Iterator[int]:
        try:
            yield 7
            go_on.set()
            go.wait(LIMIT)
            yield 8
        finally:
            closed.set()

    began = time.monotonic()
    assert connection.invoke("first", numbers(), True, result=int) == 7
    assert time.monotonic() - began < 3
    assert "goes on until it has its next item" in caplog.text
    assert not closed.is_set()
    go.set()
    assert closed.wait(LIMIT)


def test_a_generator_whose_closing_fails(connection: HubConnection, caplog: pytest.LogCaptureFixture) -> None:
    def numbers() -> Iterator[int]:
        try:
            while True:
                yield 7
        finally:
            raise KeyError("in closing")

    assert connection.invoke("first", numbers(), result=int) == 7
    until(lambda: "in closing" in caplog.text)


def test_a_generator_of_a_call_that_was_never_made(connection: HubConnection) -> None:
    def numbers() -> Generator[int]:
        try:
            yield 1
            yield 2
        finally:
            seen.put("closed")

    begun = numbers()
    next(begun)
    with pytest.raises(TypeError, match="argument 2 of 'both' cannot be sent"):
        connection.invoke("both", begun, object())
    assert heard("closed")
    assert list(begun) == []


def test_async_iterables_are_for_the_other_client(connection: HubConnection) -> None:
    async def numbers() -> Any:
        yield 1

    for call in (connection.invoke, connection.send, connection.stream):
        with pytest.raises(TypeError, match=r"is an async iterable, which is for hubstream\.HubConnection"):
            call("total", numbers())
