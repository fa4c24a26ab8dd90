"""The conformance server has the methods that the contract, shared with the other servers and drivers, asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.bench import BenchHub
from conformance.hub import ConformanceHub
from hubstream import Hub


@pytest.mark.parametrize(("section", "hub"), [("/conformance", ConformanceHub), ("/bench", BenchHub)])
def test_every_method_of_the_contract(shared: Path, section: str, hub: type[Hub]) -> None:
    contract = (shared / "conformance" / "HUB.md").read_text()
    asked = methods(contract, f"## `{section}`")
    if hub is ConformanceHub:
        asked |= methods(contract, "## Ours only")
    assert len(asked) >= 9, "the contract was not read as it is written"
    offered = {name for name in dir(hub) if name[0].isupper()} - {"Original"} | {"renamed"}
    assert asked - offered == set()


def methods(contract: str, heading: str) -> set[str]:
    """The method names in a section: what stands before a bracket in its table's first column, or in its text."""
    section = contract.partition(heading)[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    code = re.findall(r"`([^`]*)`", "\n".join(rows) or section)
    return {match[1] for span in code if (match := re.fullmatch(r"([A-Z]\w+|renamed)(\(.*)?", span))} - {"Ours"}
