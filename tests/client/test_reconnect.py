"""When a lost connection is tried again, and what is told of it (spec 11.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from hubstream import ConnectionLost, NegotiateError, RetryContext, TransportError
from hubstream.client.reconnect import DELAYS, SPREAD, next_delay, policy_of
from tests.client.attempts import at_once, networked
from tests.client.peer import turns
from tests.clock import JumpingLoop

LOOP = JumpingLoop
DOWN = TransportError("down")
CUT = "The connection to the server was lost."


def delays(reconnect: Any) -> list[float | None]:
    policy = policy_of(reconnect)
    assert policy is not None
    return [policy(RetryContext(count, 0.0, None)) for count in range(6)]


def test_dotnets_delays_are_spread() -> None:
    drawn = [delays(True) for _ in range(200)]
    for number, delay in enumerate(DELAYS):
        values = {row[number] for row in drawn}
        assert all(value is not None and abs(value - delay) <= SPREAD * delay for value in values)
        assert len(values) == (1 if delay == 0 else 200)
    assert {row[4] for row in drawn} == {None}
    assert DELAYS == (0, 2, 10, 30)


def test_a_list_is_kept_to_exactly() -> None:
    assert delays([1, 0.5, 7]) == [1, 0.5, 7, None, None, None]
    assert delays([]) == 6 * [None]
    assert policy_of(False) is None


POLICIES: list[tuple[Callable[[RetryContext], Any], float | None]] = [
    (lambda context: 3, 3),
    (lambda context: None, None),
    (lambda context: 0, 0),
    (lambda context: -1, None),
    (lambda context: float("nan"), None),
    (lambda context: "soon", None),
    (lambda context: 1 / 0, None),
]


@pytest.mark.parametrize(("policy", "delay"), POLICIES)
def test_what_a_policy_says(policy: Callable[[RetryContext], Any], delay: float | None) -> None:
    assert next_delay(policy, RetryContext(0, 0.0, None)) == delay


LOSSES: list[tuple[str, str | None]] = [
    ("cut", CUT),
    ("closed", None),
    ("Close", None),
    ("Close with an error", "The server closed the connection with the following error: restarting"),
]


@pytest.mark.parametrize(("how", "text"), LOSSES)
async def test_it_reconnects(how: str, text: str | None) -> None:
    async with networked(reconnect=[0, 2]) as (connection, network):
        for life in (1, 2, 3):
            assert connection.connection_id == f"id{life}"
            if how == "cut":
                network.peer.connection.abort()
            elif how == "closed":
                network.peer.connection.close()
            else:
                network.peer.close("restarting" if "error" in how else None, reconnect=True)
            await turns(20)
            assert connection.state == "Connected"
            assert connection.events == [("reconnecting", text), ("reconnected", f"id{life + 1}")]
            connection.events.clear()
        assert network.waits == [0, 0, 0]
        assert [peer.graceful is not None for peer in network.peers] == [True, True, True, False]
    assert connection.events == [("closed", None)]


async def test_it_does_not_reconnect_where_the_server_does_not_allow_it() -> None:
    async with networked(reconnect=True) as (connection, network):
        network.peer.close("go away")
        await turns()
        text = "The server closed the connection with the following error: go away"
        assert connection.events == [("closed", text)]
        assert len(network.peers) == 1


async def test_the_attempts() -> None:
    asked: list[tuple[int, float, str]] = []

    def policy(context: RetryContext) -> float | None:
        asked.append((context.previous_retry_count, context.elapsed, str(context.retry_reason)))
        return [1.0, 2.0, 3.0, None][context.previous_retry_count]

    plan: list[str | Exception] = ["agree", DOWN, NegotiateError("no"), "agree", "silent", DOWN, "refuse"]
    async with networked(plan, reconnect=policy, handshake_timeout=5) as (connection, network):
        network.peer.connection.abort()
        await asyncio.sleep(0.5)
        assert connection.state == "Reconnecting"
        assert (connection.connection_id, connection.transport) == (None, None)
        await asyncio.sleep(6)
        assert connection.state == "Connected"
        assert connection.connection_id == "id2"
        assert asked == [(0, 0.0, CUT), (1, 1.0, "down"), (2, 3.0, "no")]
        assert connection.events == [("reconnecting", CUT), ("reconnected", "id2")]
        connection.events.clear()
        asked.clear()

        lost_at = asyncio.get_running_loop().time()
        network.peer.connection.abort()
        await asyncio.sleep(20)
        refused = "Unable to complete handshake with the server due to an error: not today"
        silent = "The server did not answer the handshake within 5 s."
        assert [(count, text) for count, _, text in asked] == [(0, CUT), (1, silent), (2, "down"), (3, refused)]
        assert connection.state == "Disconnected"
        assert connection.events == [
            ("reconnecting", CUT),
            (
                "closed",
                "Reconnect retries have been exhausted after 3 failed attempts and 00:00:11.0000000 elapsed. Disconnecting.",
            ),
        ]
        assert asked[-1][1] == 11
        assert asyncio.get_running_loop().time() - lost_at == 20
        assert all(peer.graceful is not None for peer in network.peers)


async def test_a_policy_that_refuses_at_once() -> None:
    def none(context: RetryContext) -> float | None:
        return None

    def fails(context: RetryContext) -> float | None:
        raise ValueError("of the test")

    policies: list[Any] = [none, fails, []]
    for policy in policies:
        async with networked(reconnect=policy) as (connection, network):
            network.peer.connection.abort()
            await turns()
            assert connection.state == "Disconnected"
            assert connection.events == [("closed", CUT)]


async def test_a_policy_that_fails_later() -> None:
    def policy(context: RetryContext) -> float | None:
        return 1 / (1 - context.previous_retry_count)

    async with networked(["agree", DOWN], reconnect=policy) as (connection, network):
        network.peer.connection.abort()
        await asyncio.sleep(5)
        assert connection.state == "Disconnected"
        assert [event for event, _ in connection.events] == ["reconnecting", "closed"]
        assert "after 1 failed attempts" in connection.events[1][1]


async def test_the_exhausted_error_says_what_the_last_attempt_met() -> None:
    errors: list[Exception | None] = []
    async with networked(["agree", DOWN], reconnect=[90]) as (connection, network):
        connection.on_close(errors.append)
        network.peer.connection.abort()
        await asyncio.sleep(100)
        [error] = errors
        assert isinstance(error, ConnectionLost)
        assert error.__cause__ is DOWN
        assert "00:01:30.0000000 elapsed" in str(error)


STARTS: list[tuple[list[Any], list[float], type[Exception] | None]] = [
    ([], [], None),
    ([DOWN], [1], None),
    ([DOWN, NegotiateError("no"), "refuse"], [1, 2, 3], None),
    ([OSError("no network"), TimeoutError()], [1, 2], None),
    (4 * [DOWN], [1, 2, 3], TransportError),
    ([ValueError("bad token")], [], ValueError),
    ([DOWN, TypeError("no such option")], [1], TypeError),
    ([ImportError("aiohttp")], [], ImportError),
]


@pytest.mark.parametrize(("plan", "waits", "kind"), STARTS, ids=str)
async def test_retrying_the_first_connect(plan: list[Any], waits: list[float], kind: type[Exception] | None) -> None:
    async with networked(plan, start=False, reconnect=[1, 2, 3], retry_start=True) as (connection, network):
        starting = asyncio.create_task(connection.start())
        await turns(2)
        assert connection.state == "Connecting"
        if kind is None:
            await starting
            assert connection.state == "Connected"
        else:
            with pytest.raises(kind):
                await starting
            assert connection.state == "Disconnected"
        assert network.waits == waits
        assert connection.events == []


async def test_without_retry_start_the_first_connect_is_tried_once() -> None:
    async with networked([DOWN], start=False, reconnect=True) as (connection, network):
        with pytest.raises(TransportError):
            await connection.start()
        assert len(network.times) == 1


async def test_what_the_policy_is_asked_for_the_first_connect() -> None:
    asked: list[RetryContext] = []

    def policy(context: RetryContext) -> float | None:
        asked.append(context)
        return 2.5

    plan = [DOWN, DOWN]
    async with networked(plan, reconnect=policy, retry_start=True):
        assert asked == [RetryContext(0, 0.0, DOWN), RetryContext(1, 2.5, DOWN)]


async def test_a_loss_right_after_the_start_is_no_failed_start() -> None:
    async with networked(start=False, reconnect=[0]) as (connection, network):
        starting = asyncio.create_task(connection.start())
        while not network.peers:  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)
        network.peer.say()
        await asyncio.sleep(0)
        network.peer.connection.close()
        await starting
        await turns(20)
        assert connection.connection_id == "id2"
        assert [event for event, _ in connection.events] == ["reconnecting", "reconnected"]


async def test_a_thousand_losses_leave_nothing() -> None:
    async with networked(reconnect=at_once) as (connection, network):
        for _ in range(1_000):
            call = asyncio.create_task(connection.invoke("never"))
            stream = asyncio.ensure_future(anext(connection.stream("never")))
            await turns(2)
            network.peer.connection.abort()
            for pending in (call, stream):
                with pytest.raises(ConnectionLost):
                    await pending
            await turns(8)
            assert connection.state == "Connected"
            if len(asyncio.all_tasks()) > 5:
                await turns(10)
                assert len(asyncio.all_tasks()) <= 5
        assert len(connection.events) == 2_000


async def test_the_log_says_why_it_reconnects(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hubstream.client")
    async with networked(reconnect=[0, 0]) as (_, network):
        network.peer.connection.abort()
        await turns(50)
        network.peer.close(reconnect=True)
        await turns(50)
    assert caplog.messages == [
        f"the connection was lost: {CUT}",
        "reconnecting in 0 s",
        "the connection was lost: the server closed it, and it may be tried again",
        "reconnecting in 0 s",
    ]
