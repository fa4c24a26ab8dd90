"""The advanced clock, and which tests run in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hubstream.testing.clock import JumpingLoop

__all__ = ["JumpingLoop", "loop_factories"]


def loop_factories(module: Any) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """For a conftest's `pytest_asyncio_loop_factories`: the loop class a test module names as `LOOP`, or asyncio's own."""
    return {"loop": getattr(module, "LOOP", asyncio.new_event_loop)}
