"""Starts, stops, cancellations, losses and failures in any order: every life ends once, and nothing is left of it."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest

from hubstream import ConnectionLost, HandshakeError, TransportError
from tests.client.attempts import Network, TestedConnection
from tests.client.conftest import live_tasks
from tests.client.peer import turns
from tests.clock import JumpingLoop

LOOP = JumpingLoop
STEPS: list[str | Exception] = ["agree", "agree", "agree", "hang", "silent", "refuse", TransportError("down")]
REFUSED = (ConnectionLost, HandshakeError, TransportError, RuntimeError)


async def starts(connection: TestedConnection) -> bool:
    try:
        await connection.start()
    except REFUSED:
        return False
    return True


async def calls(connection: TestedConnection) -> None:
    try:
        await connection.invoke("never")
    except ConnectionLost:
        pass
    else:
        raise AssertionError


@pytest.mark.parametrize("seed", range(100))
async def test_a_random_life(seed: int) -> None:
    rng = random.Random(seed)
    before = live_tasks()
    network = Network([rng.choice(STEPS) for _ in range(30)], high=rng.choice([100, 65_536]))
    connection = TestedConnection(
        network, reconnect=[0, 1, rng.choice([0, 20])], retry_start=rng.random() < 0.5, handshake_timeout=5
    )
    starting: list[asyncio.Task[bool]] = []
    others: list[asyncio.Task[None]] = []
    for _ in range(40):
        match rng.randrange(9):
            case 0 | 1:
                starting.append(asyncio.create_task(starts(connection)))
            case 2:
                others.append(asyncio.create_task(connection.stop()))
            case 3 if starting and not starting[-1].done() and rng.random() < 0.5:
                starting[-1].cancel()
            case 4 if network.peers:
                network.peer.connection.abort()
            case 5 if network.peers and network.peer.graceful is None and network.peer.session.handshaken:
                network.peer.close(reconnect=rng.random() < 0.7)
            case 6 if network.peers:
                network.peer.connection.pause_reading()
            case 7:
                others.append(asyncio.create_task(calls(connection)))
            case _:
                await asyncio.sleep(rng.choice([0.5, 3, 30]))
        await turns(rng.randrange(25))
    await turns(1)  # no start comes after the stop
    await connection.stop()
    assert connection.state == "Disconnected"
    async with asyncio.timeout(10):
        ends = await asyncio.gather(*starting, return_exceptions=True)
        await asyncio.gather(*others)
    await turns(20)
    connected = ends.count(True)
    closed = sum(event == "closed" for event, _ in connection.events)
    # One that was cancelled as it connected has lived, too.
    assert connected <= closed <= connected + sum(isinstance(end, asyncio.CancelledError) for end in ends)
    assert all(isinstance(end, (bool, asyncio.CancelledError)) for end in ends), ends
    for pair in pairwise(event for event, _ in connection.events):
        assert pair not in {("reconnecting", "reconnecting"), ("closed", "reconnected")}
    assert network.open == 0
    assert all(peer.graceful is not None for peer in network.peers)
    assert live_tasks() - before == set()
