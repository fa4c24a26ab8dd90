"""The older majors of Microsoft's JavaScript client, in Node, against this server: what everybody uses, on each transport."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.interop.javascript import node

FOLDER = Path(__file__).parent / "js-old"

MAJORS = ("3.1", "5", "6", "7", "8")
TRANSPORTS = ("WebSockets", "ServerSentEvents", "LongPolling")
CHECKS = ("call", "down", "up", "cancel")

RUN = 120.0
"""Seconds all of them may take: they need 7, on a machine with nothing else to do."""

LINE = re.compile(r"(ok|FAIL) (?P<on>\S+) old\.(?P<check>\w+) \(\d+ ms\) ?(?P<reason>.*)")


@pytest.fixture(scope="module")
def failures(conformance_server: str) -> dict[tuple[str, str], str]:
    """Why each check failed, nothing where it did not, by major and transport and by its name."""
    command = [node(FOLDER), "driver.mjs", conformance_server]
    run = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=RUN, check=False)
    lines = [match for match in map(LINE.fullmatch, run.stdout.splitlines()) if match is not None]
    assert lines, f"the driver ended with {run.returncode}: {run.stderr[-2000:]}"
    return {(match["on"], match["check"]): match["reason"] for match in lines}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("major", MAJORS)
def test_older_javascript_client(failures: dict[tuple[str, str], str], major: str, transport: str, check: str) -> None:
    reason = failures.get((f"{major}/{transport}", check))
    assert reason is not None, "the driver did not run it"
    assert reason == ""
