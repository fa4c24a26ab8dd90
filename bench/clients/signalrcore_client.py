"""signalrcore, which has threads and callbacks. Its uploads have no answer: the call behind one tells that it was sent."""

from __future__ import annotations

import logging
import threading
from typing import Any

from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.protocol.json_hub_protocol import JsonHubProtocol
from signalrcore.protocol.messagepack_protocol import MessagePackHubProtocol
from signalrcore.subject import Subject

from bench.clients.driven import Clock, drive

IN_FLIGHT = 100
PATIENCE = 120


class _Gate:
    """So many at a time."""

    def __init__(self, room: int) -> None:
        self._room = threading.Semaphore(room)
        self._size = room

    def enter(self) -> None:
        if not self._room.acquire(timeout=PATIENCE):
            raise TimeoutError("no answer")

    def leave(self, *_: Any) -> None:
        self._room.release()

    def drain(self) -> None:
        for _ in range(self._size):
            self.enter()


def _add(connection: Any, count: int, in_flight: int) -> None:
    gate = _Gate(in_flight)
    for n in range(count):
        gate.enter()
        connection.send("Add", [n, 1], gate.leave)
    gate.drain()


def _down(connection: Any, count: int) -> None:
    done = threading.Event()
    seen = 0

    def took(_: Any) -> None:
        nonlocal seen
        seen += 1

    callbacks = {"next": took, "complete": lambda _: done.set(), "error": lambda _: done.set()}
    connection.stream("Counter", [count]).subscribe(callbacks)
    if not done.wait(PATIENCE):
        raise TimeoutError(f"{seen} of {count} items")
    assert seen == count


def _up(connection: Any, count: int) -> None:
    subject = Subject()
    connection.send("Sum", subject)
    for n in range(count):
        subject.next(n)
    subject.complete()
    _add(connection, 1, 1)


WORK = {
    "call": lambda connection, count: _add(connection, count, 1),
    "calls": lambda connection, count: _add(connection, count, IN_FLIGHT),
    "down": _down,
    "up": _up,
}


def _run(url: str, protocol: str, case: str, count: int) -> dict[str, float]:
    clock = Clock(count)
    codec = MessagePackHubProtocol() if protocol == "messagepack" else JsonHubProtocol()
    connection = (
        HubConnectionBuilder().with_url(url).configure_logging(logging.CRITICAL).with_hub_protocol(codec).build()
    )
    opened = threading.Event()
    connection.on_open(opened.set)
    connection.start()
    try:
        if not opened.wait(10):
            raise TimeoutError("it does not connect")
        clock.start()
        WORK[case](connection, count)
        return clock.stop()
    finally:
        connection.stop()


if __name__ == "__main__":
    drive(_run)
