"""Microsoft's own .NET 10 client against this server: every check, on every transport and protocol."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.checks import COMBINATIONS, WHOLE_HUB, Combination, due

APART = {"js": "the calls of the documentation's JavaScript pages"}
"""Areas that the driver does not have."""

WEBSOCKETS_CUT = {"life.automatic_reconnect", "life.pending_calls_fail_when_cut", "life.cut_stops_the_streams"}
"""Checks that this driver knows on WebSockets only; the JavaScript driver cuts the other transports too."""

RUN = 240.0
"""Seconds the driver may take for all combinations: it needs 12, on a machine with nothing else to do."""

Results = dict[tuple[Combination, str], dict[str, Any]]


def apart(combination: Combination) -> set[str]:
    return {*APART, *(() if combination.transport == "WebSockets" else WEBSOCKETS_CUT)}


CHECKS = [(combination, check) for combination in COMBINATIONS for check in due(combination, apart(combination))]


@pytest.fixture(scope="module")
def results(shared: Path, conformance_server: str) -> Results:
    """What the driver says of each combination and check."""
    command = [str(shared / "dotnet" / "run"), "client", conformance_server, "--json"]
    driver = subprocess.run(command, capture_output=True, text=True, timeout=RUN, check=False)
    lines = [json.loads(line) for line in driver.stdout.splitlines() if line.startswith("{")]
    assert lines, f"the driver ended with {driver.returncode}:\n{driver.stdout[-2000:]}\n{driver.stderr[-2000:]}"
    return {(Combination(line["transport"], line["protocol"]), line["check"]): line for line in lines}


@pytest.mark.parametrize(("combination", "check"), CHECKS, ids=str)
def test_dotnet_client(results: Results, combination: Combination, check: str) -> None:
    result = results.get((combination, check))
    assert result is not None, "the driver did not run it"
    assert result["ok"], result["error"]


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_what_needs_the_whole_hub_fails(results: Results, combination: Combination) -> None:
    passed = {check for (on, check), result in results.items() if on == combination and result["ok"]}
    assert passed & set(WHOLE_HUB) == set(), "these are no longer missing"
