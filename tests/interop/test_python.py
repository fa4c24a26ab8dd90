"""This package's own client against ASP.NET Core and against this server: every check, on every transport and protocol."""

from __future__ import annotations

import pytest

from conformance.hub import ConformanceHub
from hubstream import DOTNET, HubConnection, HubServer
from tests.hosts.inside import running
from tests.interop.checks import COMBINATIONS, Combination
from tests.interop.python.check import run
from tests.interop.pythonclient import CHECKS, SERVERS, checks

CASES = [(server, on, check) for server in SERVERS for on in COMBINATIONS for check in checks(server, on)]


@pytest.mark.parametrize(("hub_server", "combination", "check"), CASES, ids=str, indirect=["hub_server"])
async def test_python_client(hub_server: str, combination: Combination, check: str) -> None:
    await run(CHECKS[check], hub_server, combination)


@pytest.mark.parametrize("offered", [("ServerSentEvents", "LongPolling"), ("LongPolling",)], ids="+".join)
async def test_a_server_that_does_not_offer_all_transports(offered: tuple[str, ...]) -> None:
    hubs = HubServer({"/conformance": ConformanceHub}, payloads=DOTNET, transports=offered)
    async with running(hubs) as url, HubConnection(f"{url}/conformance") as connection:
        assert connection.transport == offered[0]
        assert await connection.invoke("Add", 1, 1, result=int) == 2
