"""What hub methods record for a test to ask after, process-wide: a list of words under a key, written once.

Imports nothing of the package; `wait` suspends, the rest does not block.
"""

from __future__ import annotations

import asyncio

__all__ = ["Recorder"]

LIMIT = 10_000
"""Keys kept; the oldest goes first. A test's key is fresh and asked after within seconds."""


class Recorder:
    """Words under keys."""

    def __init__(self) -> None:
        self._records: dict[str, asyncio.Future[list[str]]] = {}

    def note(self, key: str, *words: str) -> None:
        """Record `words` under `key`; what is there already stays."""
        record = self._record(key)
        if not record.done():
            record.set_result(list(words))

    async def wait(self, key: str, seconds: float) -> list[str]:
        """What was recorded under `key`, waiting for it for so many seconds; then `["timeout"]`."""
        record = self._record(key)
        await asyncio.wait([record], timeout=seconds)
        return record.result() if record.done() else ["timeout"]

    def _record(self, key: str) -> asyncio.Future[list[str]]:
        record = self._records.get(key)
        if record is None:
            if len(self._records) == LIMIT:
                del self._records[next(iter(self._records))]
            record = self._records[key] = asyncio.get_running_loop().create_future()
        return record
