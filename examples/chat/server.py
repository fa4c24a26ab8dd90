"""The chat's hub: `uvicorn examples.chat.server:app`."""

from __future__ import annotations

from typing_extensions import override

from examples.chat.contract import ROOMS, ChatClient
from hubstream import Hub, HubError, HubServer

present: dict[str, dict[str, str]] = {room: {} for room in ROOMS}
"""Of each room, the names by their connections."""


class Chat(Hub[ChatClient]):
    async def enter(self, name: str, room: str) -> list[str]:
        if room not in present:
            raise HubError(f"There is no room '{room}', only {' and '.join(ROOMS)}.")
        if not name.isprintable() or not 0 < len(name.strip()) <= 20:
            raise HubError("A name has 1 to 20 characters.")
        await self._leave()
        self.context.items["room"] = room
        present[room][self.context.connection_id] = name
        await self.clients.group(room).came(name)
        await self.groups.add(room)
        return sorted(present[room].values())

    async def say(self, text: str) -> None:
        room = self.context.items.get("room")
        if room is None:
            raise HubError("Enter a room first.")
        await self.clients.group(room).said(present[room][self.context.connection_id], text[:1_000])

    @override
    async def on_disconnected(self, error: Exception | None) -> None:
        await self._leave()

    async def _leave(self) -> None:
        room = self.context.items.pop("room", None)
        if room is not None:
            name = present[room].pop(self.context.connection_id)
            await self.groups.remove(room)
            await self.clients.group(room).left(name)


app = HubServer({"/chat": Chat})
