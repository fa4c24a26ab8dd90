"""The README says what was run, with counts; they are those of the tests."""

from __future__ import annotations

import re

import pytest

from tests.browser import test_driver
from tests.interop import (
    test_dotnet,
    test_dotnet11,
    test_java,
    test_javascript,
    test_javascript_old,
    test_python,
    test_relay,
    test_transcripts,
)
from tests.interop.payloads import test_clients
from tests.interop.servers import ROOT

COUNTS = {
    ".NET 10 client": len(test_dotnet.CHECKS),
    ".NET 10 client, on hypercorn and granian": 2 * len(test_dotnet.WEBSOCKETS),
    ".NET 11 client": len(test_dotnet11.COMBINATIONS) * len(test_dotnet11.CHECKS),
    "JavaScript client 10.0.11, Node": len(test_javascript.CHECKS),
    "JavaScript client 10.0.11, headless Chromium": len(test_driver.CHECKS),
    "JavaScript client 3.1, 5, 6, 7 and 8, Node": len(test_javascript_old.MAJORS)
    * len(test_javascript_old.TRANSPORTS)
    * len(test_javascript_old.CHECKS),
    "Java client 9.0.3": len(test_java.CHECKS),
    "types of payloads, .NET 10 and JavaScript 10.0.11 clients": 2 * len(test_clients.CHECKS),
    "our client, to ASP.NET Core 10 and to our server": len(test_python.CASES),
    "our client, through cuts, stalls and noise": len(test_relay.CASES),
    "ASP.NET Core's recorded answers": len(test_transcripts.PLAIN) + len(test_transcripts.DETAILED),
}


@pytest.mark.parametrize("peer", COUNTS)
def test_the_readmes_counts(peer: str) -> None:
    row = re.search(rf"^\| {re.escape(peer)} \|.*\| (\d+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert row is not None, "the README has no such row"
    assert int(row[1]) == COUNTS[peer]
