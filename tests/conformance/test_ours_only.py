"""What no other server offers: values that cannot be sent, and one list that changes between the items of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop import servers
from tests.interop.rawclient import RawHub


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with servers.conformance() as served:
        yield served.url


async def test_a_result_that_cannot_be_sent_fails_its_call_alone(server: str) -> None:
    hub = await RawHub.open(server)
    await hub.send({"type": 1, "invocationId": "a", "target": "Unserializable", "arguments": []})
    error = "An unexpected error occurred invoking 'Unserializable' on the server."
    assert await hub.next() == {"type": 3, "invocationId": "a", "error": error}
    assert await hub.invoke("Add", 1, 2) == 3
    hub.raw.drop()


async def test_an_item_that_cannot_be_sent_ends_its_stream_alone(server: str) -> None:
    hub = await RawHub.open(server)
    items, end = await all_of(hub, await hub.stream("UnserializableItems", 3))
    assert items == [0, 1, 2]
    assert end["error"] == "An error occurred on the server while streaming results."
    assert await hub.invoke("Add", 1, 2) == 3
    hub.raw.drop()


async def test_an_item_is_sent_as_it_was_when_it_was_yielded(server: str) -> None:
    hub = await RawHub.open(server)
    items, end = await all_of(hub, await hub.stream("Mutating", 4))
    assert items == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert "error" not in end
    hub.raw.drop()


async def all_of(hub: RawHub, call: str) -> tuple[list[Any], dict[str, Any]]:
    """The items of a stream, and its completion."""
    items: list[Any] = []
    while (message := await hub.next())["type"] == 2:
        items.append(message["item"])
    assert message["type"] == 3
    assert message["invocationId"] == call
    return items, message
