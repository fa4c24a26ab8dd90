"""The client for scripts and notebooks: `HubConnection` without `await`. The event loop is in a thread of its own.

It imports the rooms before it. Every call waits, and can be interrupted by Ctrl-C.
"""

from hubstream.blocking.connection import HubConnection
from hubstream.blocking.files import file_chunks
from hubstream.blocking.stream import Stream

__all__ = ["HubConnection", "Stream", "file_chunks"]
