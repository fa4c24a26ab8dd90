"""The examples as processes: their servers by uvicorn, their clients with the terminal as pipes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.hosts.processes import ROOT, Program, serving

__all__ = ["ENVIRONMENT", "LIMIT", "Running", "run", "served", "started"]

LIMIT = 15.0
"""Seconds for anything at all."""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@contextmanager
def served(application: str, folder: Path) -> Generator[Program]:
    """An example's server while the block runs, with that folder as its own."""
    with serving(["uvicorn", f"examples.{application}", "--port", "0"], cwd=folder) as server:
        yield server


def run(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an example to its end."""
    command = [sys.executable, "-m", f"examples.{name}", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )


class Running:
    """An example that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next line it prints; empty at the end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LIMIT):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    def type(self, text: str) -> None:
        """A line at its keyboard."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n".encode())

    async def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; its exit code and what it complained of."""
        self.process.send_signal(signal.SIGINT)
        return await self.end()

    async def end(self) -> tuple[int, str]:
        """Wait for its end; its exit code and what it complained of."""
        async with asyncio.timeout(LIMIT):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@asynccontextmanager
async def started(name: str, *arguments: str) -> AsyncGenerator[Running]:
    """An example while the block runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"examples.{name}",
        *arguments,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
