"""The chat: two people, two rooms."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from tests.examples.running import run, served, started


async def test_two_people_in_two_rooms(tmp_path: Path) -> None:
    with served("chat.server:app", tmp_path) as server:
        async with AsyncExitStack() as stack:
            ann = await stack.enter_async_context(started("chat", "ann", "--url", f"{server.url}/chat"))
            assert await ann.line() == "* in the lobby: ann"
            bob = await stack.enter_async_context(started("chat", "bob", "--url", f"{server.url}/chat"))
            assert await bob.line() == "* in the lobby: ann, bob"
            assert await ann.line() == "* bob is here"
            bob.type("hello")
            assert await ann.line() == "bob: hello"
            assert await bob.line() == "bob: hello"
            ann.type("/cellar")
            assert await ann.line() == "* There is no room 'cellar', only lobby and kitchen."
            ann.type("/kitchen")
            assert await ann.line() == "* in the kitchen: ann"
            assert await bob.line() == "* ann has gone"
            bob.type("are you there?")
            assert await bob.line() == "bob: are you there?"
            bob.type("/kitchen")
            assert await ann.line() == "* bob is here"
            assert await bob.line() == "* in the kitchen: ann, bob"
            bob.type("/quit")
            assert await bob.end() == (0, "")
            assert await ann.line() == "* bob has gone"
            assert await ann.interrupt() == (0, "")


def test_mistakes(tmp_path: Path) -> None:
    with served("chat.server:app", tmp_path) as server:
        ran = run("chat", 30 * "x", "--url", f"{server.url}/chat", folder=tmp_path)
        assert (ran.returncode, ran.stderr) == (1, "chat: A name has 1 to 20 characters.\n")
    ran = run("chat", "ann", "--url", "http://127.0.0.1:9/chat", folder=tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("chat: ")
    assert "Traceback" not in ran.stderr
    assert "uvicorn examples.chat.server:app" in run("chat", "--help", folder=tmp_path).stdout
