"""The event loops tests run on: asyncio's own, one whose clock is advanced, and one that starts tasks eagerly."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from hubstream.testing.clock import JumpingLoop

__all__ = ["EAGER", "JumpingLoop", "Loops", "loop_factories"]

Loops: TypeAlias = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

EAGER: Loops = {}
"""What has to work where tasks take their first step at once; empty before Python 3.12, where none do."""

if sys.version_info >= (3, 12):

    def _eager() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        return loop

    EAGER = {"eager": _eager}


def loop_factories(module: Any) -> Loops:
    """For a conftest's `pytest_asyncio_loop_factories`: the loop class a test module names as `LOOP`, or asyncio's own.

    What the module names as `LOOPS` is used as well.
    """
    return {"loop": getattr(module, "LOOP", asyncio.new_event_loop), **getattr(module, "LOOPS", {})}
