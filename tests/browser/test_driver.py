"""Microsoft's own JavaScript client, in Chromium, against this server, from a page of another origin: the driver's checks.

What a page cannot do is left to Node, and named here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.modules import driver_page
from tests.interop import javascript, servers
from tests.interop.checks import COMBINATIONS, Combination, due

NODE_ONLY = {
    "life.automatic_reconnect": "a page cannot cut its TCP connections",
    "life.pending_calls_fail_when_cut": "a page cannot cut its TCP connections",
    "life.cut_stops_the_streams": "a page cannot cut its TCP connections",
}
"""What a page cannot do, and why."""

NO_HEADERS = {"invoke.query_and_header": "a browser sends no headers of the page's with WebSockets and event streams"}
"""What a page can do with long polling only."""

SLOW = {"up.five_thousand_items": "5,000 POSTs one after another take a browser a minute"}
"""What is done on WebSockets only."""

AT_ONCE = 2
"""Pages side by side, each in a context of its own: they do not share the six connections a browser opens to a host."""

RUN = 240.0
"""Seconds one combination may take: it needs 20, of which 5 are the documentation's counter."""

Results = dict[str, dict[str, Any]]


def checks(combination: Combination) -> list[str]:
    apart = set(NODE_ONLY)
    if combination.transport != "LongPolling":
        apart.update(NO_HEADERS)
    if combination.transport != "WebSockets":
        apart.update(SLOW)
    return due(combination, apart)


CHECKS = [(combination, check) for combination in COMBINATIONS for check in checks(combination)]


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> dict[Combination, Results]:
    """What the driver says of each check, on the combinations that a selected test asks for."""
    javascript.driver()  # its packages are what the page loads
    executable = chromium()
    names = [item.name for item in request.session.items if item.path == request.path]
    wanted = [combination for combination in COMBINATIONS if any(f"[{combination}" in name for name in names)]

    async def all_of_them(page: str, server: str) -> list[Results]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(browser: Browser, combination: Combination) -> Results:
            async with places:
                return await run(browser, page, server, combination)

        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
            try:
                return await asyncio.gather(*(one(browser, combination) for combination in wanted))
            finally:
                await browser.close()

    with servers.conformance() as served, driver_page() as page:
        return dict(zip(wanted, asyncio.run(all_of_them(page, served.url)), strict=True))


async def run(browser: Browser, page_url: str, server: str, combination: Combination) -> Results:
    """The result of each check; one that is missing was not reached."""
    page = await browser.new_page()
    try:
        await page.goto(page_url)
        await page.wait_for_function("() => globalThis.run")
        try:
            async with asyncio.timeout(RUN):
                arguments = [f"{server}/", combination._asdict(), checks(combination)]
                await page.evaluate("(args) => run(...args)", arguments)
        except TimeoutError:
            pass  # what is missing says so
        results: Results = await page.evaluate("() => results")
        return results
    finally:
        await page.close()


@pytest.mark.parametrize(("combination", "check"), CHECKS, ids=str)
def test_javascript_client_in_chromium(
    results: dict[Combination, Results], combination: Combination, check: str
) -> None:
    result = results[combination].get(check)
    assert result is not None, "the driver did not run it"
    assert result["outcome"] == "ok", result["reason"]
