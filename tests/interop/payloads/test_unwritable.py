"""What cannot be written is the error of one call, stream, send or question; nobody else hears of it (design: errors).

The official clients see it in test_clients; here is what the server says, who else is there, and what our own client does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubstream import HubError, HubServer
from hubstream.payloads import ProtocolName
from hubstream.testing import connect
from tests.interop.payloads.hub import server
from tests.interop.payloads.rows import PROTOCOLS, STYLES

KINDS = [pytest.param(style, protocol, id=f"{style}/{protocol}") for style in STYLES for protocol in PROTOCOLS]
LIMIT = 10.0


@pytest.fixture(scope="module")
def hubs() -> HubServer:
    return server(detailed_errors=True)


@pytest.mark.parametrize(("style", "protocol"), KINDS)
async def test_the_log_and_detailed_texts_say_why(
    hubs: HubServer, style: str, protocol: ProtocolName, caplog: pytest.LogCaptureFixture
) -> None:
    no_class = "object is no class that can be carried"
    async with asyncio.timeout(LIMIT), connect(hubs, f"/{style}/{protocol}", protocol=protocol) as client:
        for method, text in [
            ("result", f"a value of class object cannot be written: {no_class}"),
            ("tell", f"the call of 'Told' cannot be sent: {no_class}"),
            ("tell_all", f"the call of 'Told' cannot be sent: {no_class}"),
            ("question", f"the call of 'Answer' cannot be sent: {no_class}"),
        ]:
            caplog.clear()
            with caplog.at_level(logging.ERROR, "hubstream"), pytest.raises(HubError) as caught:
                await client.invoke(method, "object")
            expected = f"An unexpected error occurred invoking '{method}' on the server. EncodeError: {text}"
            assert str(caught.value) == expected
            assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert await client.invoke("add", 1, 2) == 3


@pytest.mark.parametrize(("style", "protocol"), KINDS)
async def test_a_broadcast_that_cannot_be_written_reaches_nobody(
    hubs: HubServer, style: str, protocol: ProtocolName
) -> None:
    path, heard = f"/{style}/{protocol}", list[Any]()
    async with (
        asyncio.timeout(LIMIT),
        connect(hubs, path, protocol=protocol) as client,
        connect(hubs, path, protocol=protocol) as other,
    ):
        other.on("told", heard.append)
        for which in ("object", "half a pair"):
            with pytest.raises(HubError):
                await client.invoke("tell_all", which)
        assert await other.invoke("add", 1, 2) == 3
        assert await client.invoke("add", 1, 2) == 3
    assert heard == []


@pytest.mark.parametrize(("style", "protocol"), KINDS)
async def test_our_client(hubs: HubServer, style: str, protocol: ProtocolName) -> None:
    async def items() -> AsyncIterator[Any]:
        yield -42
        yield object()

    def nothing(_: int) -> object:
        return object()

    async with asyncio.timeout(LIMIT), connect(hubs, f"/{style}/{protocol}", protocol=protocol) as client:
        why = "a value of class object cannot be written: object is no class that can be carried"
        for call in (client.invoke, client.send):
            with pytest.raises(TypeError) as refused:
                await call("add", 1, object())
            assert str(refused.value) == f"argument 2 of 'add' cannot be sent: {why}"
        with pytest.raises(HubError) as caught:
            await client.invoke("upload_int", items())
        # As the .NET client words an upload whose source fails.
        assert str(caught.value) == (
            "An unexpected error occurred invoking 'upload_int' on the server. "
            f"HubException: Stream errored by client: 'EncodeError: {why}'"
        )
        client.on("answer_int", nothing)
        with pytest.raises(HubError) as caught:
            await client.invoke("ask_int")
        assert (
            str(caught.value) == f"An unexpected error occurred invoking 'ask_int' on the server. HubException: {why}"
        )
        assert await client.invoke("add", 1, 2) == 3
