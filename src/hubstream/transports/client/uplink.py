"""The way up of an event stream and of long polling: POSTs, one at a time, each with all that has gathered (spec 2.2).

Imports `connection` and this room's `carrier` and `requests`; `write` never waits.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Final

from typing_extensions import override

from hubstream.connection.task import start_task
from hubstream.errors import TransportError
from hubstream.transports.client.carrier import FAILURES, OPEN, Carrier
from hubstream.transports.client.requests import SILENCE, Requests, reason

__all__ = ["Uplink"]

logger = logging.getLogger("hubstream.transport")

HIGH: Final = 65_536
"""Bytes that wait for a POST, or for its answer, before the connection is `paused`; a server that reads no further gives none."""


LAST: Final = 1.0
"""Seconds in which what cannot be written is still read: a POST finds the connection gone before a poll has brought why."""


class Uplink(Carrier):
    """A connection that writes by POST; a transport adds how it reads.

    Args:
        requests: Its own: closed with it.
        url: Where it posts to.
    """

    def __init__(self, requests: Requests, url: str) -> None:
        super().__init__(requests)
        self._url = url
        self._gathered: list[bytes] = []
        self._size = 0
        self._posting: asyncio.Task[None] | None = None
        self._unwritable: asyncio.TimerHandle | None = None

    @override
    def use_binary(self, binary: bool) -> None:
        """A POST's body is bytes, whatever they are."""

    @override
    def write(self, data: bytes) -> None:
        """Send whole messages with the next POST; `paused` when that has enough to carry."""
        if self._state or self._unwritable is not None:
            return
        self._gathered.append(data)
        self._size += len(data)
        if self._size > HIGH:
            self.paused = True
        if self._posting is None:
            self._posting = start_task(self._loop, self._post())

    async def _post(self) -> None:
        try:
            while self._gathered:
                body = b"".join(self._gathered)
                self._gathered.clear()
                async with await self._requests.ask(
                    "POST", self._url, body=body, total=None, silence=SILENCE
                ) as answer:
                    if not 200 <= answer.status < 300:
                        raise TransportError(f"a POST was answered with status {answer.status}")
                self._size -= len(body)
                if self.paused and self._state == OPEN and self._size <= HIGH // 2:
                    self._writable()
        except FAILURES as error:
            logger.debug("%s cannot be written: %s", self._name, reason(error))
            self._fail(error)
        except Exception as error:
            # The user's token callback, perhaps.
            logger.exception("%s has failed", self._name)
            self._fail(error)
        finally:
            self._posting = None

    def _fail(self, error: Exception) -> None:
        self.failure = error
        if self._state != OPEN:
            self.abort()
            return
        self.paused = True
        self._gathered.clear()
        self._unwritable = self._loop.call_later(LAST, self.abort, context=contextvars.Context())

    async def _drained(self) -> None:
        """Wait until all that was written has been taken."""
        while self._posting is not None:
            await asyncio.wait({self._posting})

    @override
    async def _end(self) -> None:
        self._gathered.clear()
        if self._unwritable is not None:
            self._unwritable.cancel()
        if self._posting is not None:
            self._posting.cancel()
            await asyncio.wait({self._posting})
