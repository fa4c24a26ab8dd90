"""Every type there and back with Microsoft's .NET and JavaScript clients: arguments, results, items both ways, client results.

The hub looks at what it gets, the client at what comes back. A row that cannot work with the client's own type says why, fails,
and works with what is used instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hubstream.payloads import ProtocolName
from tests.interop.payloads import clients
from tests.interop.payloads.clients import Results
from tests.interop.payloads.differences import DOTNET_CLIENT, JAVASCRIPT_CLIENT, Difference, difference
from tests.interop.payloads.refusals import refusals
from tests.interop.payloads.rows import PROTOCOLS, ROWS, STYLES
from tests.interop.servers import ROOT

KINDS: list[tuple[str, ProtocolName]] = [(style, protocol) for style in STYLES for protocol in PROTOCOLS]
CHECKS = [
    pytest.param(style, protocol, row.name, id=f"{style}/{protocol}-{row.name}")
    for style, protocol in KINDS
    for row in ROWS
]
REFUSALS = [
    pytest.param(style, protocol, name, id=f"{style}/{protocol}-{name}")
    for style, protocol in KINDS
    for name in refusals(protocol)
]


@pytest.fixture(scope="module")
def dotnet(shared: Path, tmp_path_factory: pytest.TempPathFactory, payload_server: str) -> Results:
    program = clients.compile_dotnet(shared, tmp_path_factory.mktemp("dotnet"))
    return clients.run_dotnet(shared, program, payload_server)


@pytest.fixture(scope="module")
def javascript(payload_server: str) -> Results:
    return clients.run_javascript(payload_server)


@pytest.mark.parametrize(("style", "protocol", "row"), CHECKS)
def test_dotnet_client(dotnet: Results, style: str, protocol: str, row: str) -> None:
    result = dotnet[style, protocol, row]
    known = difference(DOTNET_CLIENT, style, protocol, row)
    if known is None:
        assert result["sent"] is None
        assert result["own"] is None
        return
    assert (result["sent"] is None) is known.read, result["sent"]
    assert result["own"] is not None, f"it works now, although: {known.reason}"
    assert result["tried"], "there is nothing to use instead"
    assert result["instead"] is None


@pytest.mark.parametrize(("style", "protocol", "row"), CHECKS)
def test_javascript_client(javascript: Results, style: str, protocol: str, row: str) -> None:
    result = javascript[style, protocol, row]
    known = difference(JAVASCRIPT_CLIENT, style, protocol, row)
    if known is None:
        assert result["own"] is None
    else:
        assert result["own"] is not None, f"it works now, although: {known.reason}"


@pytest.mark.parametrize(("style", "protocol", "name"), REFUSALS)
def test_what_fails_is_one_call_to_dotnet(dotnet: Results, style: str, protocol: str, name: str) -> None:
    assert dotnet[style, protocol, name]["own"] is None


@pytest.mark.parametrize(("style", "protocol", "name"), REFUSALS)
def test_what_fails_is_one_call_to_javascript(javascript: Results, style: str, protocol: str, name: str) -> None:
    assert javascript[style, protocol, name]["own"] is None


def test_the_drivers_know_no_other_rows(dotnet: Results, javascript: Results) -> None:
    due = {(*kind, row.name) for kind in KINDS for row in ROWS}
    due |= {(*kind, name) for kind in KINDS for name in refusals(kind[1])}
    assert set(dotnet) == due
    assert set(javascript) == due


@pytest.mark.parametrize("known", [*DOTNET_CLIENT, *JAVASCRIPT_CLIENT], ids=lambda known: known.reason)
def test_every_difference_is_in_the_documentation(known: Difference) -> None:
    page = " ".join((ROOT / "docs" / "payloads.md").read_text(encoding="utf-8").split()).replace("\\|", "|")
    assert known.reason in page
    assert {row.name for row in ROWS}.issuperset(known.rows)
