"""After every test nothing may be left: no task, no started generator. Some run on each event loop there is."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from tests.client.conftest import nothing_left
from tests.clock import EAGER, Loops

__all__ = ["nothing_left"]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    if item.path.name == "test_carriers.py":
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop, **EAGER}
    return {"asyncio": asyncio.new_event_loop}
