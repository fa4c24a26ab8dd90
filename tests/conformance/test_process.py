"""The server as a process: its one line, its statistics, its end."""

from __future__ import annotations

import pytest

from tests.interop import servers
from tests.interop.rawclient import RawHub, settled, stats

NOTHING = {"connections": 0, "tasks": 0, "generators": 0, "records": 0, "groups": 0}


async def test_statistics_count_what_is_alive() -> None:
    with servers.conformance() as served:
        before = await stats(served.url)
        assert NOTHING.items() <= before.items()
        assert before["rss_kb"] > 1_000

        hub = await RawHub.open(served.url, "/strain")
        await hub.item(await hub.stream("Asleep"))
        during = await stats(served.url)
        assert during["connections"] == during["generators"] == 1
        assert during["tasks"] >= 1
        assert during["sockets"] == before["sockets"] + 1

        await hub.raw.close()
        hub.raw.drop()
        after = await settled(served.url, before)
        assert NOTHING.items() <= after.items()


@pytest.mark.parametrize(("options", "shown"), [([], ""), (["--detailed"], " InvalidOperationException: secret")])
async def test_errors_are_masked_unless_asked(options: list[str], shown: str) -> None:
    with servers.conformance(*options) as served:
        hub = await RawHub.open(served.url)
        await hub.send({"type": 1, "invocationId": "1", "target": "FailHidden", "arguments": ["secret"]})
        error = f"An unexpected error occurred invoking 'FailHidden' on the server.{shown}"
        assert await hub.next() == {"type": 3, "invocationId": "1", "error": error}
        assert "secret" in served.log()
        hub.raw.drop()


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="invalid choice"), servers.conformance("--loop", "none"):
        pass
