"""Microsoft's own JavaScript client, in Node, against this server: every check of the areas it reaches so far."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop import javascript

AREAS = ["invoke", "down", "up", "beyond", "js"]
"""Not yet `call` and `life`: they need groups, users, client results, tokens or other transports."""

COMBINATIONS = [("WebSockets", "json"), ("WebSockets", "messagepack")]

CHECKS = [
    line
    for line in (Path(__file__).parent / "checks.txt").read_text(encoding="utf-8").splitlines()
    if line.partition(".")[0] in AREAS
]


@pytest.fixture(scope="module")
def driver() -> javascript.Driver:
    return javascript.driver()


@pytest.fixture(scope="module", params=COMBINATIONS, ids="/".join)
def results(
    request: pytest.FixtureRequest, driver: javascript.Driver, conformance_server: str
) -> dict[str, javascript.Result]:
    """What the driver says of each check, on one transport and protocol."""
    transport, protocol = request.param
    return driver.run(conformance_server, transport, protocol, AREAS)


@pytest.mark.parametrize("check", CHECKS)
def test_javascript_client(results: dict[str, javascript.Result], check: str) -> None:
    assert check in results, "the driver did not run it"
    result = results[check]
    if result.outcome == "skip":
        pytest.skip(result.reason)
    assert result.outcome == "ok", result.reason
