"""The client's half: one connection over any transport, and one that reconnects. Knows nothing of hubs.

It imports the rooms before it; `transports.client`, and with it aiohttp, only when a connection is started.
"""

from hubstream.client.connection import ClientCore, Ending
from hubstream.client.handlers import Handlers
from hubstream.client.stream import Stream
from hubstream.client.subscription import Subscription

__all__ = ["ClientCore", "Ending", "Handlers", "Stream", "Subscription"]
