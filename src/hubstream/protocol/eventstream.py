"""Server-sent events: how bytes become events and back (spec 2.3).

Only what SignalR uses: `data: ` lines and comments. Imports only `errors`; never blocks.
"""

from __future__ import annotations

from hubstream.errors import ProtocolError

__all__ = ["OPENING", "EventStream", "write_event"]

OPENING = b":\r\n"
"""The comment a stream begins with: some browsers report it open only when something has come."""

_DATA = b"data: "


def write_event(payload: bytes) -> bytes:
    """One event. A line feed in the payload begins another `data` line; JSON has none."""
    if b"\n" not in payload:
        return _DATA + payload + b"\r\n\r\n" if payload else b"\r\n"
    lines = [line.removesuffix(b"\r") for line in payload.split(b"\n")]
    return b"".join(_DATA + line + b"\r\n" for line in lines) + b"\r\n"


class EventStream:
    """Reads events from bytes cut anywhere.

    Args:
        limit: Bytes an unfinished event may have; None for no limit.
    """

    __slots__ = ("_lines", "_parts", "_size", "limit")

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self._parts: list[bytes] = []
        self._lines: list[bytes] = []
        self._size = 0

    def receive(self, data: bytes) -> list[bytes]:
        """The payloads of the events that are complete now; that of an event without data is empty.

        Raises:
            ProtocolError: A line is neither data nor a comment, or an event is too long. Nothing more can be read.
        """
        events: list[bytes] = []
        self._size += len(data)
        self._parts.append(data)
        if b"\n" in data:
            *lines, rest = b"".join(self._parts).split(b"\n")
            self._parts = [rest]
            for ended in lines:
                line = ended.removesuffix(b"\r")
                if line.startswith(_DATA):
                    self._lines.append(line[len(_DATA) :])
                elif not line:
                    events.append(b"\n".join(self._lines))
                    self._lines.clear()
                elif not line.startswith(b":"):
                    raise ProtocolError("Expected the message prefix 'data: '")
            self._size = len(rest) + sum(map(len, self._lines))
        if self.limit is not None and self._size > self.limit:
            raise ProtocolError(f"An event of more than {self.limit} bytes.")
        return events
