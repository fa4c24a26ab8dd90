"""Microsoft's own .NET 10 client against this server: every check, on every transport and protocol; and on other ASGI servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import dotnet, servers
from tests.interop.checks import COMBINATIONS, WHOLE_HUB, Combination, due
from tests.interop.dotnet import Results, apart

CHECKS = [(combination, check) for combination in COMBINATIONS for check in due(combination, apart(combination))]
WEBSOCKETS = [(combination, check) for combination, check in CHECKS if combination.transport == "WebSockets"]


@pytest.fixture(scope="module")
def results(shared: Path, conformance_server: str) -> Results:
    return dotnet.run(shared, conformance_server)


@pytest.mark.parametrize(("combination", "check"), CHECKS, ids=str)
def test_dotnet_client(results: Results, combination: Combination, check: str) -> None:
    result = results.get((combination, check))
    assert result is not None, "the driver did not run it"
    assert result["ok"], result["error"]


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_what_needs_the_whole_hub_fails(results: Results, combination: Combination) -> None:
    passed = {check for (on, check), result in results.items() if on == combination and result["ok"]}
    assert passed & set(WHOLE_HUB) == set(), "these are no longer missing"


@pytest.fixture(scope="module", params=["hypercorn", "granian"])
def elsewhere(request: pytest.FixtureRequest, shared: Path) -> Iterator[Results]:
    """The same over WebSockets, on another server."""
    with servers.conformance("--server", request.param) as served:
        yield dotnet.run(shared, served.url, "--transport", "WebSockets")


@pytest.mark.parametrize(("combination", "check"), WEBSOCKETS, ids=str)
def test_dotnet_client_on_another_server(elsewhere: Results, combination: Combination, check: str) -> None:
    result = elsewhere.get((combination, check))
    assert result is not None, "the driver did not run it"
    assert result["ok"], result["error"]
