"""`--server`: each ASGI server says where it listens, serves the hubs and ends on SIGTERM."""

from __future__ import annotations

import pytest

from tests.interop import servers
from tests.interop.rawclient import RawHub


@pytest.mark.parametrize(
    "options",
    [
        ["--server", "uvicorn", "--ws", "wsproto", "--loop", "asyncio"],
        ["--server", "hypercorn"],
        ["--server", "hypercorn", "--loop", "uvloop"],
        ["--server", "granian", "--detailed"],
        ["--server", "granian", "--loop", "asyncio"],
    ],
    ids=" ".join,
)
async def test_it_serves_and_ends(options: list[str]) -> None:
    with servers.conformance(*options) as served:
        hub = await RawHub.open(served.url)
        await hub.send({"type": 1, "invocationId": "1", "target": "FailHidden", "arguments": ["secret"]})
        error = (await hub.next())["error"]
        assert error.endswith("InvalidOperationException: secret") is ("--detailed" in options)
        hub.raw.drop()
