"""What the chat's server and its client call on each other; both sides are checked against it."""

from __future__ import annotations

from typing import Protocol

ROOMS = ("lobby", "kitchen")


class ChatServer(Protocol):
    """What a client calls."""

    async def enter(self, name: str, room: str) -> list[str]:
        """Go into a room, out of the one before; returns who is there."""
        ...

    async def say(self, text: str) -> None:
        """Say something in the room."""
        ...


class ChatClient(Protocol):
    """What the server calls."""

    async def said(self, name: str, text: str) -> None:
        """Somebody in the room said something."""
        ...

    async def came(self, name: str) -> None:
        """Somebody came into the room."""
        ...

    async def left(self, name: str) -> None:
        """Somebody left the room."""
        ...
