"""SIGTERM with WebSockets, an event stream and polls open: how long the end takes, what runs, what the clients are told.

What cannot be had from a server is in this table too, as it is in docs/hosting.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.hosts.client import COMBINATIONS, FOLDER, node
from tests.hosts.processes import free_port, serving
from tests.hosts.recipes import followed, recipes

APP = "tests.hosts.apps:plain"
HYPERCORN = ["hypercorn", "--bind", "127.0.0.1:0", APP]
WEBSOCKETS = COMBINATIONS[:2]
(PROGRAM,) = [recipe for recipe in recipes() if recipe.command == ["python", "serve.py"]]

RECONNECT = ["reconnecting", ""]
"""What the client says of a Close that allows it to come back."""
RESTART = ["reconnecting", "WebSocket closed with status code: 1012 (no reason given)."]
FAILED = ["reconnecting", "WebSocket closed with status code: 1011 (no reason given)."]
CUT = ["reconnecting", "WebSocket closed with status code: 1006 (no reason given)."]
POLL_FAILED = ["reconnecting", ": Status code '500'"]
POLL_CUT = ["reconnecting", "fetch failed"]


@dataclass
class End:
    """What comes of SIGTERM."""

    command: list[str]
    seconds: float = 3.0
    websockets: list[str] = field(default_factory=lambda: RESTART)
    polls: list[str] = field(default_factory=lambda: RECONNECT)
    cleaned: tuple[str, ...] = COMBINATIONS
    """Those whose generators ran their `finally`."""


ENDS = {
    "uvicorn": End(["uvicorn", "--port", "0", APP]),
    "uvicorn wsproto": End(["uvicorn", "--port", "0", "--ws", "wsproto", APP]),
    "uvicorn asyncio, no lifespan": End(["uvicorn", "--port", "0", "--loop", "asyncio", "--lifespan", "off", APP]),
    "gunicorn": End(["gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "uvicorn_worker.UvicornWorker", APP]),
    "hypercorn uvloop": End([*HYPERCORN, "--worker-class", "uvloop"], 6.0, FAILED, POLL_FAILED),
    "hypercorn in a program": End(PROGRAM.command, 3.0, RECONNECT),
    "granian": End(
        ["granian", "--interface", "asgi", "--workers-kill-timeout", "2s", APP], 6.0, CUT, POLL_CUT, WEBSOCKETS
    ),
}
if sys.version_info < (3, 12):  # since then asyncio's servers wait for their connections, and hypercorn for them
    ENDS["hypercorn"] = End(HYPERCORN, 6.0, FAILED, POLL_FAILED)


@pytest.mark.parametrize("name", ENDS)
def test_sigterm(name: str, tmp_path: Path) -> None:
    end = ENDS[name]
    with ExitStack() as stack:
        if end.command == PROGRAM.command:
            up = stack.enter_context(followed(PROGRAM, tmp_path))
        elif name == "granian":
            port = stack.enter_context(free_port())
            up = stack.enter_context(serving([*end.command, "--port", str(port)], port))
        else:
            up = stack.enter_context(serving(end.command))
        client = stack.enter_context(
            subprocess.Popen(
                [node(), "hold.mjs", f"{up.url}/clock"], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
        stack.callback(client.kill)
        assert client.stdout is not None
        assert client.stdout.readline() == b"holding\n"
        took = up.stop()
        told = [json.loads(line) for line in client.communicate(timeout=20)[0].splitlines()]
        log = up.log()
    assert took < end.seconds
    assert {on: said for on, *said in told} == {
        "WebSockets/json": end.websockets,
        "WebSockets/messagepack": end.websockets,
        "ServerSentEvents/json": RECONNECT,
        "LongPolling/json": end.polls,
        "LongPolling/messagepack": end.polls,
    }
    assert {on for on in COMBINATIONS if f"finally ran: {on}" in log} == set(end.cleaned)


def test_granian_without_a_time_limit_waits_for_an_event_stream() -> None:
    with ExitStack() as stack:
        port = stack.enter_context(free_port())
        up = stack.enter_context(serving(["granian", "--interface", "asgi", "--port", str(port), APP], port))
        client = stack.enter_context(
            subprocess.Popen([node(), "hold.mjs", f"{up.url}/clock"], cwd=FOLDER, stdout=subprocess.PIPE)
        )
        stack.callback(client.kill)
        assert client.stdout is not None
        assert client.stdout.readline() == b"holding\n"
        up.process.terminate()
        up.wait_for_log("finally ran: WebSockets/json")
        with pytest.raises(subprocess.TimeoutExpired):
            up.process.wait(3)
        client.kill()
        up.process.wait(10)
        assert "finally ran: ServerSentEvents/json" in up.log()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="asyncio's servers wait for their connections since Python 3.12")
def test_hypercorn_waits_for_its_clients() -> None:
    with ExitStack() as stack:
        up = stack.enter_context(serving(HYPERCORN))
        client = stack.enter_context(
            subprocess.Popen([node(), "hold.mjs", f"{up.url}/clock"], cwd=FOLDER, stdout=subprocess.PIPE)
        )
        stack.callback(client.kill)
        assert client.stdout is not None
        assert client.stdout.readline() == b"holding\n"
        up.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            up.process.wait(6)  # twice its `graceful_timeout`
        client.kill()
        up.process.wait(10)
        assert {on for on in COMBINATIONS if f"finally ran: {on}" in up.log()} == set(COMBINATIONS)
