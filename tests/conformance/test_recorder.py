from __future__ import annotations

import asyncio

from conformance.recorder import LIMIT, Recorder


async def test_what_was_noted_is_there_at_once() -> None:
    recorder = Recorder()
    recorder.note("key", "a", "b")
    assert await recorder.wait("key", 0) == ["a", "b"]


async def test_it_is_waited_for() -> None:
    recorder = Recorder()
    waiting = asyncio.create_task(recorder.wait("key", 5))
    await asyncio.sleep(0)
    recorder.note("key")
    assert await waiting == []


async def test_nothing_in_time() -> None:
    recorder = Recorder()
    assert await recorder.wait("key", 0.01) == ["timeout"]
    recorder.note("key", "late")
    assert await recorder.wait("key", 0) == ["late"]


async def test_the_first_note_stays() -> None:
    recorder = Recorder()
    recorder.note("key", "first")
    recorder.note("key", "second")
    assert await recorder.wait("key", 0) == ["first"]


async def test_the_oldest_key_goes_first() -> None:
    recorder = Recorder()
    for n in range(LIMIT + 1):
        recorder.note(str(n), "there")
    assert await recorder.wait("0", 0) == ["timeout"]
    assert await recorder.wait(str(LIMIT), 0) == ["there"]
