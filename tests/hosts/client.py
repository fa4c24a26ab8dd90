"""Microsoft's JavaScript client in Node, as a process: the short list of checks against a URL."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

from tests.browser.chromium import missing

__all__ = ["ALL", "COMBINATIONS", "SHORT", "TRANSPORTS", "checked", "node", "passes"]

FOLDER = Path(__file__).parent
MODULES = FOLDER.parent / "interop" / "js" / "node_modules"

TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")
COMBINATIONS = (
    "WebSockets/json",
    "WebSockets/messagepack",
    "ServerSentEvents/json",
    "LongPolling/json",
    "LongPolling/messagepack",
)
SHORT = ("call", "stream", "upload", "cancel")
ALL = (*SHORT, "gone")

RUN = 90.0
"""Seconds for all of it; five combinations side by side need 2."""


def node() -> str:
    """The path of Node; without it or the client's packages the test is skipped, or fails in CI."""
    path = shutil.which("node")
    if path is None or not MODULES.is_dir():
        missing("Node or the client's packages are missing: `make test` installs them")
    return path


def checked(
    url: str,
    transports: tuple[str, ...] = TRANSPORTS,
    checks: tuple[str, ...] = ALL,
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """The outcome of each check, such as `WebSockets/json call`: `ok`, or what went wrong. Blocks."""
    command = [node(), "client.mjs", url, ",".join(transports), ",".join(checks), json.dumps(headers or {})]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=RUN, check=False)
    outcomes: dict[str, str] = dict(map(json.loads, done.stdout.splitlines()))
    wanted = {f"{on} {check}" for on in COMBINATIONS if on.partition("/")[0] in transports for check in checks}
    assert outcomes.keys() == wanted, done.stderr
    return outcomes


async def passes(
    url: str,
    transports: tuple[str, ...] = TRANSPORTS,
    checks: tuple[str, ...] = ALL,
    headers: dict[str, str] | None = None,
) -> None:
    """Every check passes; the event loop serves meanwhile."""
    outcomes = await asyncio.to_thread(checked, url, transports, checks, headers)
    wrong = [f"{name}: {outcome}" for name, outcome in outcomes.items() if outcome != "ok"]
    assert not wrong, "\n".join(wrong)
