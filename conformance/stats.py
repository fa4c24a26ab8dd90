"""`GET /stats`: what is alive in the server, as JSON, for the tests that look for leaks.

A garbage collection runs first, so that what is counted is held by somebody. It holds the loop for some milliseconds.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import weakref
from pathlib import Path
from types import AsyncGeneratorType

from hubstream import HubServer
from hubstream.types import Send

__all__ = ["Stats"]

_PROC = Path("/proc/self")


class Stats:
    """Counts, less what the server itself keeps."""

    def __init__(self, hubs: HubServer) -> None:
        self._hubs = hubs
        self._own: weakref.WeakSet[asyncio.Task[object]] = weakref.WeakSet()

    def started(self) -> None:
        """The tasks that live now are the server's own: called when it starts, before the first request."""
        self._own.update(asyncio.all_tasks())

    def read(self) -> dict[str, int]:
        """The counts. `rss_kb` and `sockets` are 0 where there is no /proc."""
        gc.collect()
        _trim()
        seen = self._hubs.snapshot()
        asking = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task not in self._own and task is not asking]
        objects = gc.get_objects()
        return {
            "connections": seen["connections"],
            "tasks": len(tasks),
            "generators": sum(_is_ours(it) for it in objects),
            "records": seen["records"],
            "groups": seen.get("groups", 0),
            "rss_kb": _rss_kb(),
            "objects": len(objects),
            "sockets": _sockets(),
        }

    async def answer(self, send: Send) -> None:
        """Send the counts as the answer to an HTTP request."""
        body = json.dumps(self.read()).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _is_ours(it: object) -> bool:
    """Whether it is an async generator of these hubs' methods."""
    if type(it) is not AsyncGeneratorType:
        return False
    return Path(it.ag_code.co_filename).parent == Path(__file__).parent


def _trim() -> None:
    """Give freed memory back to the system, so that `rss_kb` counts what is in use; glibc keeps it otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _rss_kb() -> int:
    try:
        pages = int((_PROC / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _sockets() -> int:
    try:
        open_files = list((_PROC / "fd").iterdir())
    except OSError:
        return 0
    return sum(1 for file in open_files if file.is_socket())
