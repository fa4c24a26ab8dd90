"""Every interop driver knows every check of checks.txt under its name, but for the gaps listed here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.interop import javaclient, javascript, pythonclient
from tests.interop.checks import NAMES

GAPS: dict[str, dict[str, str]] = {
    "dotnet": {"js": "the calls of the documentation's JavaScript pages"},
    "javascript": {},
    "java": javaclient.GAPS,
    "python": pythonclient.GAPS,
}
"""The checks a driver does not have, by area or full name, and why."""


def due(driver: str) -> set[str]:
    """The checks that this driver must know."""
    return {name for name in NAMES if name not in GAPS[driver] and name.partition(".")[0] not in GAPS[driver]}


def test_names_are_well_formed_and_unique() -> None:
    assert [name for name in NAMES if not re.fullmatch(r"(invoke|down|up|call|life|beyond|js)\.[a-z0-9_]+", name)] == []
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(("driver", "gap"), [(driver, gap) for driver, gaps in GAPS.items() for gap in gaps])
def test_a_gap_is_one(driver: str, gap: str) -> None:
    """A gap names checks that exist, and says why they are missing."""
    assert any(gap in {name, name.partition(".")[0]} for name in NAMES)
    assert GAPS[driver][gap]


def test_javascript_driver() -> None:
    assert set(javascript.driver().names()) == due("javascript")


def test_java_driver() -> None:
    assert set(javaclient.driver().names()) == due("java") | set(javaclient.OWN)


def test_python_driver() -> None:
    assert set(pythonclient.CHECKS) == due("python") | set(pythonclient.OWN)


def test_dotnet_driver(shared: Path) -> None:
    listed = subprocess.run(
        [shared / "dotnet" / "run", "client", "--list"], capture_output=True, text=True, timeout=120, check=True
    )
    assert set(listed.stdout.split()) == due("dotnet")
