"""A poll that is cut is not asked again: what the server sent with it is lost, and whoever waits for it has to be told."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from tests.transports.client.served import Client, answering, attached

OFFER = {
    "connectionId": "id",
    "connectionToken": "token",
    "negotiateVersion": 1,
    "availableTransports": [{"transport": "LongPolling", "transferFormats": ["Text", "Binary"]}],
}


@pytest.mark.parametrize("when", ["before the headers", "in the body"])
async def test_a_poll_that_is_cut_ends_the_connection(when: str) -> None:
    polls = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal polls
        if request.method == "POST":
            return web.Response(text=json.dumps(OFFER), content_type="application/json")
        if request.method == "DELETE":
            return web.Response(status=202)
        polls += 1
        if polls == 1:
            return web.Response()
        assert request.transport is not None
        response = web.StreamResponse()
        response.content_length = 10
        if when == "in the body":
            await response.prepare(request)
            await response.write(b"12345")
        request.transport.close()
        return response

    async with answering(answer) as server, attached(server.url, "LongPolling") as client:
        assert isinstance(client, Client)
        await client.until("ended")
        assert ("lost", False) in client.seen
        assert polls == 2
