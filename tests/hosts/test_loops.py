"""A hub server belongs to one event loop: two in turn are fine, two at once are an error that says what to do."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest
import uvicorn

from hubstream import HubServer
from tests.hosts.client import checked
from tests.hosts.clock import Clock


@contextmanager
def in_a_thread(app: HubServer, loop: str) -> Generator[str]:
    """The URL of an application that uvicorn serves in a thread and an event loop of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, loop=loop, lifespan="off", log_config=None))
        factory = server.config.get_loop_factory()

        def serve() -> None:
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(server.serve(sockets=[listener]))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


def negotiated(url: str) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/clock/negotiate?negotiateVersion=1")
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("loops", [("asyncio", "asyncio"), ("uvloop", "asyncio")])
def test_two_loops_one_after_the_other(loops: tuple[str, str]) -> None:
    hubs = HubServer({"/clock": Clock})
    for loop in loops:
        with in_a_thread(hubs, loop) as url:
            outcomes = checked(f"{url}/clock", checks=("call", "cancel"))
        assert set(outcomes.values()) == {"ok"}, outcomes


def test_a_second_live_loop_is_a_clear_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    hubs = HubServer({"/clock": Clock})
    with in_a_thread(hubs, "asyncio") as first:
        assert negotiated(first) == 200
        with in_a_thread(hubs, "asyncio") as second:
            assert negotiated(second) == 500
        assert negotiated(first) == 200
    (error,) = [record.exc_info for record in caplog.records if record.exc_info]
    assert error[1] is not None
    assert "one server belongs to one loop: make a HubServer for each" in str(error[1])
