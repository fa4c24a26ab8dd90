"""Names of groups, and ids of connections and users, as hub authors write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hubstream import Hub, HubServer
from hubstream.hub.clients import HubClients
from hubstream.testing import connect

SELECTORS: dict[str, Callable[[HubClients[Any], Any], object]] = {
    "all_except": lambda clients, name: clients.all_except(name),
    "client": lambda clients, name: clients.client(name),
    "clients": lambda clients, name: clients.clients(name),
    "group": lambda clients, name: clients.group(name),
    "groups": lambda clients, name: clients.groups("a", name),
    "group_except": lambda clients, name: clients.group_except("a", name),
    "user": lambda clients, name: clients.user(name),
    "users": lambda clients, name: clients.users(name),
}
WRONG = {
    "a list": (["a", "b"], TypeError, r"is a text, not list; several are given one by one: \*names"),
    "None": (None, TypeError, "is a text, not NoneType"),
    "empty": ("", ValueError, "is not empty"),
}


class Rooms(Hub):
    async def enter(self, connection: str | None) -> None:
        await self.groups.add("room", connection=connection)


@pytest.mark.parametrize("selector", SELECTORS.values(), ids=SELECTORS)
@pytest.mark.parametrize(("name", "kind", "text"), WRONG.values(), ids=WRONG)
async def test_what_is_no_name(
    selector: Callable[[HubClients[Any], Any], object], name: Any, kind: type[Exception], text: str
) -> None:
    clients = HubServer({"/rooms": Rooms}).of(Rooms).clients
    with pytest.raises(kind, match=text):
        selector(clients, name)


async def test_an_empty_id_is_not_the_callers() -> None:
    hubs = HubServer({"/rooms": Rooms})
    rooms = hubs.of(Rooms)
    async with connect(hubs, Rooms) as connection:
        await connection.invoke("enter", "")
        assert await rooms.connections(group="room") == frozenset()
        await connection.invoke("enter", None)
        assert len(await rooms.connections(group="room")) == 1
