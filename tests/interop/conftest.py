"""Servers that live as long as the test session, and the material the tests take from beside the checkout."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.interop import servers


@pytest.fixture(scope="session")
def conformance_server() -> Iterator[str]:
    """The base URL of a conformance server."""
    with servers.conformance() as served:
        yield served.url


@pytest.fixture(scope="session")
def conformance_server_detailed() -> Iterator[str]:
    """The base URL of a conformance server that shows clients the text of every error."""
    with servers.conformance("--detailed") as served:
        yield served.url


@pytest.fixture(scope="session")
def reference_server(shared: Path) -> Iterator[str]:
    """The base URL of ASP.NET Core's server of the conformance hubs."""
    with servers.reference(shared) as served:
        yield served.url


@pytest.fixture(scope="session")
def hub_server(request: pytest.FixtureRequest) -> str:
    """The base URL of a server of the conformance hubs, which a test names: `ours` or `aspnet`."""
    fixture = {"ours": "conformance_server", "aspnet": "reference_server"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the peers and the contract: `../shared` beside the checkout, or where HUBSTREAM_SHARED says."""
    folder = Path(os.environ.get("HUBSTREAM_SHARED", servers.ROOT.parent / "shared"))
    if not (folder / "dotnet" / "run").exists():
        missing = f"no peers at {folder}; HUBSTREAM_SHARED names the folder that has dotnet/run"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failed test what the servers wrote to standard error."""
    report = yield
    if report.failed:
        report.sections += [(f"standard error of {served.name}", served.log()) for served in servers.running]
    return report
