"""The clock that jumps, and a hub in it, under each of the ways to run a coroutine."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from hubstream import ConnectionLost, Hub, HubServer
from hubstream.testing import JumpingLoop, connect


def run(test: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(test)


def loop() -> JumpingLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, JumpingLoop)
    return running


def test_an_hour_takes_no_time_and_all_that_is_due_happens_in_order() -> None:
    async def test() -> None:
        due: list[float] = []
        began = loop().time()
        for seconds in (1800, 3000, 60.5, 7200):
            loop().call_later(seconds, due.append, seconds)
        await asyncio.sleep(3600)
        assert due == [60.5, 1800, 3000]
        assert loop().time() - began == pytest.approx(3600)  # pyright: ignore[reportUnknownMemberType] - untyped
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400):
                await asyncio.Event().wait()

    began = time.perf_counter()
    run(test())
    assert time.perf_counter() - began < 30


def test_what_is_ready_is_not_jumped_over() -> None:
    async def test() -> None:
        near, far = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=near)
        _, other = await asyncio.open_connection(sock=far)
        other.write(b"here")
        async with asyncio.timeout(0.001):
            assert await reader.read(4) == b"here"
        for stream in (writer, other):
            stream.close()
            await stream.wait_closed()

    run(test())


def test_a_wait_for_nothing_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="everything waits, and no timer is set"):
        run(asyncio.Event().wait())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it gives nothing at all


def test_oversleeping_makes_timers_late() -> None:
    async def test() -> None:
        late: list[float] = []
        due = loop().time() + 5
        loop().call_later(5, lambda: late.append(loop().time() - due))
        loop().oversleep(100)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert late == [95]

    run(test())


ASYNCIO = "-p pytest_asyncio -p no:anyio -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function"
HOW = {
    "pytest-asyncio": (
        """
        def pytest_asyncio_loop_factories(config, item):
            return {"jumping": JumpingLoop}
        """,
        ASYNCIO,
        "",
    ),
    "pytest-asyncio, one test": (
        """
        def pytest_asyncio_loop_factories(config, item):
            return {"jumping": JumpingLoop} if item.get_closest_marker("jumping") else {"real": asyncio.new_event_loop}
        """,
        f"{ASYNCIO} -o markers=jumping",
        "@pytest.mark.jumping",
    ),
    "anyio": (
        """
        @pytest.fixture
        def anyio_backend():
            return "asyncio", {"loop_factory": JumpingLoop}
        """,
        "-p anyio -p no:asyncio",
        "@pytest.mark.anyio",
    ),
    "anyio, without the clock": (
        """
        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """,
        "-p anyio -p no:asyncio -k calls",
        "@pytest.mark.anyio",
    ),
}
CONFTEST = """
import asyncio
import pytest
from hubstream import Hub, HubServer
from hubstream.testing import JumpingLoop, connect

class Chat(Hub):
    async def add(self, a: int, b: int) -> int:
        return a + b

    async def say(self, text: str) -> None:
        await self.clients.all.send("Said", text)

@pytest.fixture
async def chat():
    async with connect(HubServer({"/chat": Chat}), Chat) as connection:
        yield connection
"""
TESTS = """
import asyncio
import time
import pytest

{mark}
async def test_calls(chat):
    assert await chat.invoke("add", 1, 2, result=int) == 3
    await chat.send("say", "hello")
    assert await chat.expect("Said", str) == ("hello",)
    await chat.drop()

{mark}
async def test_clock(chat):
    began = time.perf_counter()
    await asyncio.sleep(3600)
    assert await chat.invoke("add", 1, 2, result=int) == 3
    assert time.perf_counter() - began < 60
"""


@pytest.mark.parametrize("how", HOW)
def test_a_hub_under_each_plugin(how: str, tmp_path: Path) -> None:
    recipe, options, mark = HOW[how]
    lines = recipe.splitlines()
    (tmp_path / "conftest.py").write_text(CONFTEST + "\n".join(line[8:] for line in lines), encoding="utf-8")
    (tmp_path / "test_chat.py").write_text(TESTS.format(mark=mark), encoding="utf-8")
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-p",
            "no:cacheprovider",
            *options.split(),
            str(tmp_path),
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
    )
    expected = "1 passed" if "calls" in options else "2 passed"
    assert expected in ran.stdout, ran.stdout + ran.stderr


class Silent(Hub):
    async def hello(self) -> str:
        return "hello"


def test_in_plain_asyncio() -> None:
    async def test() -> None:
        async with connect(HubServer({"/silent": Silent}), Silent) as connection:
            await asyncio.sleep(3600)
            assert await connection.invoke("hello") == "hello", "pings keep a connection that says nothing"
            await connection.drop()
            with pytest.raises(ConnectionLost):
                await connection.invoke("hello")

    run(test())
    began = time.perf_counter()

    async def real() -> None:
        async with connect(HubServer({"/silent": Silent}), Silent) as connection:
            assert await connection.invoke("hello") == "hello"

    asyncio.run(real())
    assert time.perf_counter() - began < 30
