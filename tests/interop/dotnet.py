"""Running the .NET client's checks against a server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.interop.checks import Combination

__all__ = ["APART", "WEBSOCKETS_CUT", "Results", "apart", "run"]

APART = {"js": "the calls of the documentation's JavaScript pages"}
"""Areas that the driver does not have."""

WEBSOCKETS_CUT = {"life.automatic_reconnect", "life.pending_calls_fail_when_cut", "life.cut_stops_the_streams"}
"""Checks that this driver knows on WebSockets only; the JavaScript driver cuts the other transports too."""

LIMIT = 240.0
"""Seconds the driver may take for all combinations: it needs 12, on a machine with nothing else to do."""

Results = dict[tuple[Combination, str], dict[str, Any]]


def apart(combination: Combination) -> set[str]:
    """What this driver does not check on a combination."""
    return {*APART, *(() if combination.transport == "WebSockets" else WEBSOCKETS_CUT)}


def run(shared: Path, url: str, *options: str, client: str = "client") -> Results:
    """What the driver says of each combination and check; `client11` is the one of .NET 11."""
    command = [str(shared / "dotnet" / "run"), client, url, "--json", *options]
    driver = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    lines = [json.loads(line) for line in driver.stdout.splitlines() if line.startswith("{")]
    assert lines, f"the driver ended with {driver.returncode}:\n{driver.stdout[-2000:]}\n{driver.stderr[-2000:]}"
    return {(Combination(line["transport"], line["protocol"]), line["check"]): line for line in lines}
