"""Every ASGI server, as a program of its own: the short list on every transport and protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.hosts.client import COMBINATIONS, checked
from tests.hosts.processes import Program, free_port, serving

APP = "tests.hosts.apps:plain"


def uvicorn(*options: str) -> list[str]:
    return ["uvicorn", "--port", "0", *options, APP]


def gunicorn(worker: str) -> list[str]:
    return ["gunicorn", "--bind", "127.0.0.1:0", "--worker-class", worker, APP]


HOSTS = {
    "uvicorn": uvicorn(),
    "uvicorn asyncio": uvicorn("--loop", "asyncio", "--http", "h11"),
    "uvicorn websockets": uvicorn("--ws", "websockets"),
    "uvicorn websockets-sansio asyncio": uvicorn("--ws", "websockets-sansio", "--loop", "asyncio"),
    "uvicorn wsproto": uvicorn("--ws", "wsproto"),
    "uvicorn no lifespan": uvicorn("--lifespan", "off"),
    "gunicorn uvicorn-worker": gunicorn("uvicorn_worker.UvicornWorker"),
    "gunicorn uvicorn.workers": gunicorn("uvicorn.workers.UvicornWorker"),
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:0", APP],
    "hypercorn uvloop": ["hypercorn", "--bind", "127.0.0.1:0", "--worker-class", "uvloop", APP],
    "granian": ["granian", "--interface", "asgi", APP],
    "granian asyncio": ["granian", "--interface", "asgi", "--loop", "asyncio", APP],
    "granian no lifespan": ["granian", "--interface", "asginl", APP],
}


@pytest.fixture(scope="module", params=HOSTS)
def host(request: pytest.FixtureRequest) -> Iterator[Program]:
    command = HOSTS[request.param]
    with ExitStack() as stack:
        port = 0
        if command[0] == "granian":
            port = stack.enter_context(free_port())
            command = [*command, "--port", str(port)]
        yield stack.enter_context(serving(command, port))


@pytest.fixture(scope="module")
def outcomes(host: Program) -> dict[str, str]:
    """What the client says of the host; run once."""
    return checked(f"{host.url}/clock")


@pytest.mark.parametrize("on", COMBINATIONS)
def test_the_short_list(host: Program, outcomes: dict[str, str], on: str) -> None:
    wrong = {name: outcome for name, outcome in outcomes.items() if name.startswith(f"{on} ") and outcome != "ok"}
    assert wrong == {}, host.log()[-2000:]
