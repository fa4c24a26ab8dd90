"""Long polling: one GET after the other, each answered when there is something; the way up is by POST (spec 2.4).

Imports `connection` and this room.
"""

from __future__ import annotations

import logging
from typing import ClassVar

import aiohttp
from typing_extensions import override

from hubstream.connection.connection import ConnectionHandler
from hubstream.errors import TransportError
from hubstream.transports.client.carrier import OPEN
from hubstream.transports.client.requests import SILENCE, Requests, refused
from hubstream.transports.client.uplink import Uplink

__all__ = ["LongPollingConnection", "open_long_polling"]

logger = logging.getLogger("hubstream.transport")


class LongPollingConnection(Uplink):
    """One connection carried by polls, the first of which was answered."""

    _name: ClassVar[str] = "a long polling connection"
    transport: str = "LongPolling"
    binary_capable: bool = True
    inherent_keep_alive: bool = True

    @override
    async def _read(self, handler: ConnectionHandler) -> bool:
        while self._state == OPEN:
            await self._held()
            try:
                response = await self._requests.ask("GET", self._url, total=None, silence=SILENCE)
            except aiohttp.SocketTimeoutError:
                continue
            async with response:
                if response.status == 204:
                    return True
                if response.status != 200:
                    raise TransportError(await refused(response))
                # A body may be longer than the handler takes at once: it is passed on as it comes.
                while self._state == OPEN and (data := await response.content.readany()):
                    handler.received(data)
                    handler.read_done()
                    await self._held()
        return False

    @override
    async def _shut(self) -> bool:
        await self._drained()
        async with await self._requests.ask("DELETE", self._url, total=None) as answer:
            logger.debug("the end of a long polling connection was answered with status %d", answer.status)
        return True


async def open_long_polling(requests: Requests, url: str) -> LongPollingConnection:
    """Begin to poll at `url`; the server answers the first poll at once, and without data.

    Raises:
        TransportError: The server answered something else.
        aiohttp.ClientError: It did not answer.
        TimeoutError: Not in time.
    """
    async with await requests.ask("GET", url) as response:
        if response.status != 200:
            raise TransportError(await refused(response))
    return LongPollingConnection(requests, url)
