"""What the .NET 11 client adds: its own checks of area `net11`, but those that refresh a login in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop import dotnet
from tests.interop.checks import Combination

COMBINATIONS = [Combination("WebSockets", "json"), Combination("LongPolling", "json")]
"""Those that client has."""
CHECKS = ["an_expired_login_is_closed", "cancel_of_an_invocation"]


@pytest.mark.parametrize("check", CHECKS)
def test_dotnet_11_client(shared: Path, conformance_server: str, check: str) -> None:
    results = dotnet.run(shared, conformance_server, "--only", check, client="client11")
    assert {key: result["error"] for key, result in results.items() if not result["ok"]} == {}
    assert set(results) == {(combination, f"net11.{check}") for combination in COMBINATIONS}
