"""A server of the rows that lives as long as the test session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop import servers


@pytest.fixture(scope="session")
def payload_server() -> Iterator[str]:
    """The base URL of a server of every row, in every style and protocol."""
    with servers.process("tests.interop.payloads") as served:
        yield served.url
