"""The hub of the sample: a stream down, a stream up, and streams both ways. Every name here is what the page calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from demo.journal import Entry, Journal, counted, quoted
from hubstream import Hub, HubError

__all__ = ["StreamHub"]

MOST = 1_000_000
"""Items one counter may be asked for."""

REPORT = 100
"""Lines of a file between two reports of progress."""

log = Journal()


@dataclass(frozen=True, slots=True)
class About:
    """What the server knows of the caller's connection."""

    connection: str
    transport: str


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload came to."""

    lines: int
    characters: int


class StreamHub(Hub):
    """`/streamHub`."""

    async def on_connected(self) -> None:
        self.context.items["since"] = log.last
        log.note("Connection", f"{self.context.connection_id[:8]}… opened over {self.context.transport}")

    async def on_disconnected(self, error: Exception | None) -> None:
        log.note("Connection", f"{self.context.connection_id[:8]}… closed" + (f": {error}" if error else ""))

    async def about(self) -> About:
        return About(self.context.connection_id, self.context.transport)

    async def counter(self, count: int, delay_ms: int) -> AsyncIterator[int]:
        """Server to client: the numbers from 0 on, one every `delay_ms` milliseconds."""
        if not 1 <= count <= MOST or not 0 <= delay_ms <= 60_000:
            raise HubError(f"Counter counts 1 to {MOST:,} items, 0 to 60,000 milliseconds apart.")
        log.note("Counter", f"started: {count:,} items, {delay_ms:,} ms apart")
        produced = 0
        try:
            for n in range(count):
                yield n
                produced += 1
                if delay_ms:
                    await asyncio.sleep(delay_ms / 1000)
        finally:
            # Runs when the stream is through, and as surely when the page cancels it or is gone.
            outcome = "all items" if produced == count else "stopped early"
            log.note("Counter", f"finally ran: {outcome}, {produced:,} of {count:,}")

    async def upload_stream(self, stream: AsyncIterator[str]) -> Uploaded:
        """Client to server: lines, each handled as it comes, and what they came to as the result."""
        lines = characters = 0
        log.note("UploadStream", "started")
        try:
            async for line in stream:
                lines += 1
                characters += len(line)
                log.note("UploadStream", f"line {lines}: {quoted(line)}")
        finally:
            log.note("UploadStream", f"ended after {counted(lines, 'line')}")
        return Uploaded(lines, characters)

    async def upload_file(self, stream: AsyncIterator[str]) -> AsyncIterator[int]:
        """Both ways: lines of a file up, and down how many have been read so far."""
        lines = characters = 0
        log.note("UploadFile", "started")
        try:
            async for line in stream:
                lines += 1
                characters += len(line)
                if lines % REPORT == 0:
                    yield lines
            yield lines
        finally:
            log.note("UploadFile", f"ended after {counted(lines, 'line')}, {counted(characters, 'character')}")

    async def shout(self, stream: AsyncIterator[str]) -> AsyncIterator[str]:
        """Both ways: each word comes back in capitals at once."""
        words = 0
        log.note("Shout", "started")
        try:
            async for word in stream:
                words += 1
                yield word.upper()
        finally:
            log.note("Shout", f"ended after {counted(words, 'word')}")

    def journal(self, after: int | None = None) -> AsyncIterator[Entry]:
        """Server to client: the server log behind entry `after`, or since this connection was opened; without an end."""
        return log.follow(self.context.items["since"] if after is None else after)
