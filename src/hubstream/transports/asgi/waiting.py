"""Waiting for the client of a request to go. Imports only `types` and `waiting`."""

from __future__ import annotations

import logging

from hubstream.transports.waiting import Wait
from hubstream.types import Receive

__all__ = ["Wait", "disconnected"]

logger = logging.getLogger("hubstream.transport")


async def disconnected(receive: Receive) -> bool:
    """True when the client of a request has gone; what the request still brings is dropped."""
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except (OSError, RuntimeError) as error:
        logger.debug("a request cannot be read: %r", error)
    return True
