"""The messages of a client that wait their turn, in order, and what is withdrawn from among them."""

from __future__ import annotations

from collections import deque
from typing import Final

from hubstream.protocol.messages import HubMessage, Invocation, StreamInvocation

__all__ = ["Inbox"]

_CALLS: Final = (Invocation, StreamInvocation)


class Inbox:
    """A queue whose calls can be cancelled while they wait."""

    __slots__ = ("_by_id", "_messages", "_withdrawn")

    def __init__(self) -> None:
        self._messages: deque[HubMessage] = deque()
        # Kept while the queue only grows: a search for each cancel would cost the square of what one frame holds.
        self._by_id: dict[str, Invocation | StreamInvocation] | None = None
        self._withdrawn: set[int] = set()

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: HubMessage) -> None:
        """It waits behind all others."""
        self._messages.append(message)
        if self._by_id is not None and isinstance(message, _CALLS) and message.invocation_id:
            self._by_id.setdefault(message.invocation_id, message)

    def put_back(self, message: HubMessage) -> None:
        """It was taken and has to wait on."""
        self._messages.appendleft(message)

    def head(self) -> HubMessage | None:
        """What waits first; None when nothing does."""
        messages = self._messages
        while messages and self._withdrawn and id(messages[0]) in self._withdrawn:
            self._withdrawn.discard(id(messages.popleft()))
        return messages[0] if messages else None

    def take(self) -> HubMessage | None:
        """Take what waits first."""
        message = self.head()
        if message is not None:
            self._messages.popleft()
            self._by_id = None
        return message

    def withdraw(self, invocation_id: str) -> Invocation | StreamInvocation | None:
        """Take out the first call that waits under an id; None when there is none."""
        if self._by_id is None:
            self._by_id = {}
            for message in self._messages:
                if isinstance(message, _CALLS) and message.invocation_id and id(message) not in self._withdrawn:
                    self._by_id.setdefault(message.invocation_id, message)
        call = self._by_id.pop(invocation_id, None)
        if call is not None:
            self._withdrawn.add(id(call))
        return call
