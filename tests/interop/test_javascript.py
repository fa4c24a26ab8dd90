"""Microsoft's own JavaScript client, in Node, against this server: every check, on every transport and protocol."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.interop import javascript
from tests.interop.checks import COMBINATIONS, WHOLE_HUB, Combination, due
from tests.interop.javascript import Results

NOT_POLLED = {"life.cut_stops_the_streams": "15 s pass until the server gives up a client that does not poll"}
"""Checks that take too long with long polling."""

AT_ONCE = 2
"""Drivers side by side: each waits a third of its time."""

CHECKS = [
    (combination, check)
    for combination in COMBINATIONS
    for check in due(combination, NOT_POLLED if combination.transport == "LongPolling" else ())
]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, conformance_server: str) -> Iterator[dict[Combination, Future[Results]]]:
    """The driver's runs, one for each combination that a selected test asks for."""
    driver = javascript.driver()
    names = [item.name for item in request.session.items if item.path == request.path]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            combination: pool.submit(driver.run, conformance_server, combination)
            for combination in COMBINATIONS
            if any(f"[{combination}" in name for name in names)
        }


@pytest.mark.parametrize(("combination", "check"), CHECKS, ids=str)
def test_javascript_client(runs: dict[Combination, Future[Results]], combination: Combination, check: str) -> None:
    results = runs[combination].result()
    assert check in results, "the driver did not run it"
    assert results[check].outcome == "ok", results[check].reason


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_what_needs_the_whole_hub_fails(runs: dict[Combination, Future[Results]], combination: Combination) -> None:
    passed = {check for check, result in runs[combination].result().items() if result.outcome == "ok"}
    assert passed & set(WHOLE_HUB) == set(), "these are no longer missing"
