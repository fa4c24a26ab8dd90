"""After every test of the client nothing may be left: no task, no started generator."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from types import AsyncGeneratorType
from typing import Any

import pytest

from tests.clock import loop_factories


def live_generators() -> set[AsyncGeneratorType[Any, Any]]:
    # The loop knows every generator that was started and not yet finished.
    started: set[AsyncGeneratorType[Any, Any]] = getattr(asyncio.get_running_loop(), "_asyncgens", set())
    return {generator for generator in started if generator.ag_frame is not None}


def live_tasks() -> set[asyncio.Task[Any]]:
    # Each half of a fixture runs in a task of its own.
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncGenerator[None]:
    tasks, generators = live_tasks(), live_generators()
    yield
    for turn in range(50):
        if live_tasks() <= tasks and live_generators() <= generators:
            break
        if turn == 10:
            gc.collect()
        await asyncio.sleep(0)
    assert live_tasks() - tasks == set()
    assert live_generators() - generators == set()


def pytest_asyncio_loop_factories(item: pytest.Item) -> Any:
    return loop_factories(getattr(item, "module", None))
