"""The end of a turn: once each, in order, and nobody's failure is another's."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable

import pytest

from hubstream.connection.turn import Turn

variable = contextvars.ContextVar("variable", default="unset")


class Member:
    """Notes when its turns end."""

    def __init__(self, name: str, ends: list[str], then: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.ends = ends
        self.then = then

    def turn_ends(self) -> None:
        self.ends.append(self.name)
        self.then()


async def test_all_who_wait_are_called_in_order_when_the_loop_has_run_what_is_ready() -> None:
    turn = Turn(asyncio.get_running_loop())
    ends: list[str] = []
    asyncio.get_running_loop().call_soon(ends.append, "ready before")
    for name in "abc":
        turn.await_end(Member(name, ends))
    assert ends == []
    await asyncio.sleep(0)
    assert ends == ["ready before", "a", "b", "c"]
    await asyncio.sleep(0)
    assert len(ends) == 4


@pytest.mark.parametrize("beside", [0, 2])
async def test_who_waits_again_is_called_at_the_end_of_the_next_turn(beside: int) -> None:
    turn = Turn(asyncio.get_running_loop())
    ends: list[str] = []
    again = Member("again", ends, lambda: turn.await_end(last))
    last = Member("last", ends)
    turn.await_end(again)
    for _ in range(beside):
        turn.await_end(Member("beside", ends))
    await asyncio.sleep(0)
    assert ends == ["again"] + ["beside"] * beside
    await asyncio.sleep(0)
    assert ends == ["again"] + ["beside"] * beside + ["last"]


async def test_one_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    turn = Turn(asyncio.get_running_loop())
    ends: list[str] = []

    def fail() -> None:
        raise ValueError("a bug")

    for member in (Member("a", ends), Member("b", ends, fail), Member("c", ends)):
        turn.await_end(member)
    with caplog.at_level(logging.ERROR, "hubstream.connection"):
        await asyncio.sleep(0)
    assert ends == ["a", "b", "c"]
    assert [record.exc_info is not None for record in caplog.records] == [True]


@pytest.mark.parametrize("count", [1, 2])
async def test_it_runs_with_nobodys_variables(count: int) -> None:
    turn = Turn(asyncio.get_running_loop())
    seen: list[str] = []
    variable.set("a request's")
    for _ in range(count):
        turn.await_end(Member("a", [], lambda: seen.append(variable.get())))
    await asyncio.sleep(0)
    assert seen == ["unset"] * count
