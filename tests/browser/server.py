"""The demo's server as a process of its own."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Demo", "demo"]

ROOT = Path(__file__).parents[2]


@dataclass
class Demo:
    """A running demo."""

    url: str
    process: Process

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def stop(self) -> str:
        """End it as Ctrl-C does. Returns what it wrote to its standard error."""
        if self.process.returncode is None:
            self.process.terminate()
        try:
            async with asyncio.timeout(10):
                _, errors = await self.process.communicate()
        except TimeoutError:
            self.process.kill()
            raise
        # On a busy machine the process itself does not run for a while, and it cannot tell that from a method's doing.
        lines = errors.decode().splitlines(keepends=True)
        return "".join(line for line in lines if "held the event loop" not in line)


@asynccontextmanager
async def demo(port: int = 0) -> AsyncGenerator[Demo]:
    """Start it, wait for its address, and in the end stop it and see that it had nothing to complain of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo", "--port", str(port), cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    running = Demo("", process)
    try:
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        address = re.search(r"http://[\d.]+:\d+", line)
        assert address, f"the demo said {line!r} instead of its address: {await running.stop()}"
        running.url = address[0]
        yield running
    finally:
        errors = await running.stop()
    assert errors == "", errors
