"""The calls of the documentation's JavaScript pages, in this client's spelling: `subscribe` and `dispose`, `Subject`."""

from __future__ import annotations

import asyncio

import pytest

from hubstream import HubError, Subject
from tests.interop.python.check import Area, Context, everything

check = Area("js")


@check
async def stream_subscribe(x: Context) -> None:
    """The pages' counter, at a tenth of its pause."""
    c = await x.open()
    loop = asyncio.get_running_loop()
    items: list[int] = []
    times: list[float] = []
    done = loop.create_future()
    began = loop.time()

    def take(item: int) -> None:
        items.append(item)
        times.append(loop.time() - began)

    c.stream("Counter", 10, 50, item=int).subscribe(
        next=take, complete=lambda: done.set_result(None), error=done.set_exception
    )
    await done
    assert items == list(range(10))
    # Items that are held back to the stream's end come together.
    assert times[9] - times[0] > 0.25


@check
async def stream_error(x: Context) -> None:
    c = await x.open()
    items: list[int] = []
    failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    c.stream("StreamFail", 2, "broke", item=int).subscribe(
        next=items.append,
        complete=lambda: failed.set_exception(AssertionError("completed")),
        error=failed.set_result,
    )
    error = await failed
    assert isinstance(error, HubError)
    assert str(error) == "An error occurred on the server while streaming results. HubException: broke"
    assert items == [0, 1]


@check
async def dispose_stops_the_server(x: Context) -> None:
    c = await x.open()
    key = x.key()
    items: list[int] = []
    second, ended = asyncio.Event(), asyncio.Event()

    def take(item: int) -> None:
        items.append(item)
        if item == 1:
            second.set()
            subscription.dispose()

    subscription = c.stream("Forever", key, item=int).subscribe(
        next=take, complete=ended.set, error=lambda error: ended.set()
    )
    await second.wait()
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["stopped"]
    assert items == [0, 1]
    assert not ended.is_set()


@check
async def dispose_in_the_same_turn(x: Context) -> None:
    c = await x.open()
    key = x.key()
    subscription = c.stream("Forever", key, item=int).subscribe()
    subscription.dispose()
    asked = c.stream("Forever", key, item=int)
    await asked.ask()
    asked.leave()  # request and cancel leave in one message; the method may not even have begun
    assert await c.invoke("Add", 1, 2, result=int) == 3, "the connection after it"
    async with c.stream("Forever", x.key(), item=int) as items:
        assert await anext(items) == 0


@check
async def dispose_after_completion(x: Context) -> None:
    c = await x.open()
    done = asyncio.Event()
    subscription = c.stream("CounterEnumerable", 2, 0, item=int).subscribe(complete=done.set)
    await done.wait()
    subscription.dispose()
    assert await c.invoke("Add", 1, 2, result=int) == 3, "the connection after it"


@check
async def subject_by_send(x: Context) -> None:
    c = await x.open()
    key = x.key()
    subject = Subject[str]()
    await c.send("Store", key, subject)
    subject.next("one")
    subject.next("two")
    subject.complete()
    assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["one", "two"]


@check
async def subject_by_invoke(x: Context) -> None:
    c = await x.open()
    subject = Subject[str]()
    result = asyncio.ensure_future(c.invoke("Concat", subject, result=str))
    for item in ("one", "-", "two"):
        subject.next(item)
    subject.complete()
    assert await result == "one-two"


@check
async def subject_by_stream(x: Context) -> None:
    c = await x.open()
    subject = Subject[int]()
    doubled = c.stream("Double", subject, item=int)
    # Each answer comes while the upload is open.
    for i in range(5):
        subject.next(i)
        assert await anext(doubled) == 2 * i
    subject.complete()
    assert await everything(doubled) == []


@check
async def subject_error_reaches_the_method(x: Context) -> None:
    c = await x.open()
    for error in ("sensor lost", HubError("sensor lost")):
        key = x.key()
        subject = Subject[str]()
        await c.send("Store", key, subject)
        subject.next("one")
        subject.error(error)
        assert await c.invoke("Recorded", key, 5_000, result=list[str]) == ["one", "error: sensor lost"]


@check
async def upload_by_interval(x: Context) -> None:
    c = await x.open()
    key = x.key()
    subject = Subject[str]()
    await c.send("Store", key, subject)
    for iteration in range(1, 11):
        await asyncio.sleep(0.01)
        subject.next(str(iteration))
    subject.complete()
    recorded = await c.invoke("Recorded", key, 5_000, result=list[str])
    assert recorded == [str(iteration) for iteration in range(1, 11)]


@check
async def wrong_types_give_an_error(x: Context) -> None:
    c = await x.open()
    wrong: list[object] = ["one", 1.5, None, {}, [1]]
    for argument in wrong:
        with pytest.raises(HubError) as raised:
            await c.invoke("Add", argument, 2, result=int)
        assert str(raised.value) == "Failed to invoke 'Add' due to an error on the server."
    with pytest.raises(HubError) as raised:
        await everything(c.stream("Counter", "ten", 1, item=int))
    assert str(raised.value) == "Failed to invoke 'Counter' due to an error on the server."
    assert await c.invoke("Add", 1, 2, result=int) == 3, "the connection after it"


@check
async def binary(x: Context) -> None:
    c = await x.open()
    for size in (0, 1, 255, 256, 20_000):
        value = bytes(n % 256 for n in range(size))
        assert await c.invoke("EchoBytes", value) == value


@check
async def calls_of_one_turn_leave_together(x: Context) -> None:
    c = await x.open()
    key = x.key()
    subject = Subject[str]()
    subject.next("one")
    subject.complete()
    sent, items, total, stored = await asyncio.gather(
        c.send("Store", key, subject),
        everything(c.stream("CounterEnumerable", 3, 0, item=int)),
        c.invoke("Add", 1, 2, result=int),
        c.invoke("Recorded", key, 5_000, result=list[str]),
    )
    assert (sent, items, total, stored) == (None, [0, 1, 2], 3, ["one"])
