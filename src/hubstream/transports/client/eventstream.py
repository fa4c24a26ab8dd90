"""Server-sent events: one response that lasts, read as bytes; the way up is by POST (spec 2.3).

Imports `protocol`, `connection` and this room.
"""

from __future__ import annotations

from typing import ClassVar, Final

import aiohttp
from typing_extensions import override

from hubstream.connection.connection import ConnectionHandler
from hubstream.errors import TransportError
from hubstream.protocol.eventstream import EventStream
from hubstream.transports.client.carrier import OPEN
from hubstream.transports.client.requests import Requests, refused
from hubstream.transports.client.uplink import Uplink

__all__ = ["EventStreamConnection", "open_event_stream"]

TYPE: Final = "text/event-stream"


class EventStreamConnection(Uplink):
    """One event stream whose headers have come.

    Args:
        requests: Its own: closed with it.
        url: The connection's.
        response: What the GET gave.
    """

    _name: ClassVar[str] = "an event stream"
    transport: str = "ServerSentEvents"
    binary_capable: bool = False
    inherent_keep_alive: bool = False

    def __init__(self, requests: Requests, url: str, response: aiohttp.ClientResponse) -> None:
        super().__init__(requests, url)
        self._response = response

    @override
    async def _read(self, handler: ConnectionHandler) -> bool:
        content = self._response.content
        events = EventStream()
        while self._state == OPEN:
            await self._held()
            data = await content.readany()
            if not data:
                return True
            for event in events.receive(data):
                if event:
                    handler.received(event)
            handler.read_done()
        return False

    @override
    async def _shut(self) -> bool:
        await self._drained()
        return True

    @override
    async def _end(self) -> None:
        self._response.close()
        await super()._end()


async def open_event_stream(requests: Requests, url: str) -> EventStreamConnection:
    """Open an event stream at `url`.

    Raises:
        TransportError: The server answered something else.
        aiohttp.ClientError: It did not answer.
        TimeoutError: Not in time.
    """
    response = await requests.stream(url, TYPE)
    if response.status != 200 or response.content_type != TYPE:
        raise TransportError(await refused(response))
    return EventStreamConnection(requests, url, response)
