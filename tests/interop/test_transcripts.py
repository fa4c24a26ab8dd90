"""What ASP.NET Core answered to raw bytes, byte for byte, is what this server answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from tests.transcripts.play import Scenario, load, play, verdict

PLAIN = load("plain.json")
DETAILED = load("detailed.json")

AT_ONCE = 8
"""Scenarios played side by side: each waits for silence most of its time."""

Outcomes = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def plain(request: pytest.FixtureRequest, conformance_server: str) -> Outcomes:
    return play_all(conformance_server, wanted(request, PLAIN))


@pytest.fixture(scope="module")
def detailed(request: pytest.FixtureRequest, conformance_server_detailed: str) -> Outcomes:
    return play_all(conformance_server_detailed, wanted(request, DETAILED))


@pytest.mark.parametrize("scenario", PLAIN, ids=lambda s: s["name"])
def test_plain(scenario: Scenario, plain: Outcomes) -> None:
    check(scenario, plain)


@pytest.mark.parametrize("scenario", DETAILED, ids=lambda s: s["name"])
def test_detailed_errors(scenario: Scenario, detailed: Outcomes) -> None:
    check(scenario, detailed)


def wanted(request: pytest.FixtureRequest, scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Those of the scenarios whose test was selected."""
    selected = {item.name for item in request.session.items if item.path == request.path}
    return [s for s in scenarios if any(name.endswith(f"[{s['name']}]") for name in selected)]


def play_all(url: str, scenarios: Sequence[Scenario]) -> Outcomes:
    async def all_of_them() -> Outcomes:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(scenario: Scenario) -> dict[str, object]:
            async with places, asyncio.timeout(30):
                return await play(url, scenario)

        outcomes = await asyncio.gather(*(one(scenario) for scenario in scenarios), return_exceptions=True)
        return {
            scenario["name"]: {"failed": repr(outcome)} if isinstance(outcome, BaseException) else outcome
            for scenario, outcome in zip(scenarios, outcomes, strict=True)
        }

    return asyncio.run(all_of_them())


def check(scenario: Scenario, outcomes: Outcomes) -> None:
    got = outcomes[scenario["name"]]
    assert "failed" not in got, got
    if not verdict(scenario, got):
        known, here = (json.dumps(outcome, ensure_ascii=False, indent=1) for outcome in (scenario["seen"], got))
        pytest.fail(f"{scenario.get('here', 'the same is expected')}\nknown: {known}\nhere: {here}", pytrace=False)
