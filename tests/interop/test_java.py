"""Microsoft's own Java client against this server: every check it knows, on both of its transports.

It speaks JSON: its MessagePack package is not published where the client is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interop import javaclient
from tests.interop.checks import WHOLE_HUB, Combination, due
from tests.interop.javascript import Results

COMBINATIONS = [Combination("WebSockets", "json"), Combination("LongPolling", "json")]
"""The client's own transports; it has no server-sent events."""

WEBSOCKETS_CUT = {"life.pending_calls_fail_when_cut", "life.cut_stops_the_streams"}
"""Checks that this driver knows on WebSockets only: OkHttp asks again when a poll is cut."""

ONLY_ON = {"java.chooses_web_sockets_by_itself": "WebSockets", "java.posts_overtake_one_another": "LongPolling"}
"""Checks of what only one transport has."""


def checks(combination: Combination) -> list[str]:
    transport = combination.transport
    apart = {*javaclient.GAPS, *(() if transport == "WebSockets" else WEBSOCKETS_CUT)}
    own = [name for name in javaclient.OWN if ONLY_ON.get(name, transport) == transport]
    return due(combination, apart) + own


CHECKS = [(combination, check) for combination in COMBINATIONS for check in checks(combination)]


@pytest.fixture(scope="module")
def driver() -> javaclient.Driver:
    return javaclient.driver()


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, driver: javaclient.Driver, conformance_server: str
) -> dict[Combination, Results]:
    """What the driver says of each check, on each transport that a selected test asks for."""
    names = [item.name for item in request.session.items if item.path == request.path]
    wanted = [combination for combination in COMBINATIONS if any(f"[{combination}" in name for name in names)]
    # Side by side: each waits most of its time.
    with ThreadPoolExecutor(len(wanted)) as pool:
        running = {on: pool.submit(driver.run, conformance_server, on.transport) for on in wanted}
        return {on: run.result() for on, run in running.items()}


@pytest.mark.parametrize(("combination", "check"), CHECKS, ids=str)
def test_java_client(runs: dict[Combination, Results], combination: Combination, check: str) -> None:
    results = runs[combination]
    assert check in results, "the driver did not run it"
    assert results[check].outcome == "ok", results[check].reason


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_what_is_known_to_fail_fails(runs: dict[Combination, Results], combination: Combination) -> None:
    passed = {check for check, result in runs[combination].items() if result.outcome == "ok"}
    assert passed & {*WHOLE_HUB} == set(), "these are no longer missing"
