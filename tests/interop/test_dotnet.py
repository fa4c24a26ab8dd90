"""Microsoft's own .NET 10 client against this server: every check of the areas that this server reaches."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

AREAS = ("invoke", "down", "up", "beyond")
NOT_YET = ("call", "life")
"""Areas of the driver that need groups, users, client results, tokens or other transports."""

PROTOCOLS = ("json", "messagepack")

CHECKS = [
    name
    for name in (Path(__file__).parent / "checks.txt").read_text(encoding="utf-8").splitlines()
    if name.partition(".")[0] in AREAS
]

RUN = 240.0
"""Seconds the driver may take: it needs 10, on a machine with nothing else to do."""


@pytest.fixture(scope="module")
def results(shared: Path, conformance_server: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What the driver says of each protocol and check."""
    skip = ",".join(f"{area}." for area in NOT_YET)
    command = [str(shared / "dotnet" / "run"), "client", conformance_server, "--transport", "WebSockets", "--json"]
    driver = subprocess.run([*command, "--skip", skip], capture_output=True, text=True, timeout=RUN, check=False)
    lines = [json.loads(line) for line in driver.stdout.splitlines() if line.startswith("{")]
    assert lines, f"the driver ended with {driver.returncode}:\n{driver.stdout[-2000:]}\n{driver.stderr[-2000:]}"
    return {(line["protocol"], line["check"]): line for line in lines}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_dotnet_client(results: dict[tuple[str, str], dict[str, Any]], protocol: str, check: str) -> None:
    result = results.get((protocol, check))
    assert result is not None, "the driver did not run it"
    assert result["ok"], result["error"]
