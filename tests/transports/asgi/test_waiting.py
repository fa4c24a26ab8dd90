from __future__ import annotations

import asyncio

import pytest

from hubstream.transports.asgi.waiting import Wait, disconnected
from tests.transports.asgi.driven import Server, settle
from tests.transports.asgi.exchange import GONE, body


async def test_what_it_waits_for() -> None:
    async def value() -> str:
        await asyncio.sleep(0)
        return "value"

    wait = Wait()
    assert await wait.until(value()) == "value"
    assert await wait.until(value(), 10) == "value"


async def test_ended_from_outside() -> None:
    wait = Wait()
    wait.end()
    for _ in range(2):
        waiting = asyncio.create_task(wait.until(asyncio.sleep(100, "value")))
        await settle()
        assert not waiting.done()
        wait.end()
        wait.end()
        async with asyncio.timeout(10):
            assert await waiting is None
        assert waiting.cancelling() == 0


async def test_ended_by_time() -> None:
    async with asyncio.timeout(10):
        assert await Wait().until(asyncio.sleep(100, "value"), 0.01) is None


async def test_ended_in_the_turn_in_which_what_it_waits_for_comes() -> None:
    wait = Wait()
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(wait.until(future))
    await settle()
    wait.end()
    future.set_result("value")
    async with asyncio.timeout(10):
        assert await waiting in {None, "value"}
    assert waiting.cancelling() == 0


async def test_a_timeout_of_what_it_waits_for_is_passed_on() -> None:
    async def fails() -> None:
        raise TimeoutError("the socket's")

    with pytest.raises(TimeoutError, match="socket"):
        await Wait().until(fails())


async def test_another_cancellation_is_passed_on() -> None:
    wait = Wait()
    waiting = asyncio.create_task(wait.until(asyncio.sleep(100)))
    await settle()
    wait.end()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    "events", [[GONE], [body(b"dropped", more=True), body(), GONE], [OSError("reset")], [RuntimeError("over")]]
)
async def test_disconnected(events: list[object]) -> None:
    server = Server()
    server.gives(*events)  # type: ignore[arg-type]  # messages and exceptions
    async with asyncio.timeout(10):
        assert await disconnected(server.receive)
    assert server.events.empty()
