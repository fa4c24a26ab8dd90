"""The client's core: calls, streams both ways and handlers over any `Connection`. Knows nothing of networks or hubs."""

from hubstream.client.connection import ClientCore, Ending
from hubstream.client.down import Stream, Subscription
from hubstream.client.handlers import Handlers

__all__ = ["ClientCore", "Ending", "Handlers", "Stream", "Subscription"]
