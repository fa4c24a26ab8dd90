"""The streaming sample in a real browser: what a person does on the page, and what they and the server see."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.browser.chromium import ARGUMENTS, chromium, missing
from tests.browser.server import ROOT, Demo, demo

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTOCOLS = {"json": "JSON", "messagepack": "MessagePack"}
SCREENSHOT = ROOT / "docs" / "demo.png"

expect.set_options(timeout=10_000)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[Demo]:
    if not (ROOT / "demo" / "node_modules").is_dir():
        missing("the demo's browser libraries are not installed: `make test` does it")
    async with demo() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def blank(browser: Browser) -> AsyncIterator[Page]:
    """An empty page; in the end nothing may have gone wrong in it."""
    page = await browser.new_page(viewport={"width": 1440, "height": 1000})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    await page.close()
    assert wrong == []


@pytest_asyncio.fixture(loop_scope="module", params=PROTOCOLS)
async def page(blank: Page, server: Demo, request: pytest.FixtureRequest) -> Page:
    """The sample, connected with each protocol."""
    await blank.goto(server.url)
    await connected(blank)
    if request.param != "json":
        await blank.get_by_text(PROTOCOLS[request.param], exact=True).click()
    await expect(blank.locator("#protocol")).to_have_text(PROTOCOLS[request.param])
    await connected(blank)
    return blank


async def connected(page: Page) -> None:
    await expect(page.locator("#state")).to_have_text("Connected")


def log(page: Page, *texts: str) -> Locator:
    """The entries of the server log that hold all these texts."""
    entries = page.get_by_role("log").locator("li")
    for text in texts:
        entries = entries.filter(has_text=text)
    return entries


async def start(page: Page, count: int, delay: int) -> None:
    await page.get_by_label("Items", exact=True).fill(str(count))
    await page.get_by_label("Delay in ms").fill(str(delay))
    await page.get_by_role("button", name="Start").click()


async def test_the_connection_is_described(page: Page) -> None:
    await expect(page.locator("#transport")).to_have_text("WebSockets")
    shown = await page.locator("#connection-id").text_content()
    assert shown
    await expect(log(page, "Connection", f"{shown[:8]}… opened over WebSockets")).to_have_count(1)


async def test_the_first_item_shows_before_the_stream_completes(page: Page) -> None:
    await start(page, 12, 100)
    await expect(page.locator("#arrived")).to_have_text(re.compile(r"^0\b"))
    assert await page.locator("#counter-outcome").text_content() == "Running…"
    assert int(await page.locator("#items").text_content() or "") < 12
    await expect(page.locator("#counter-outcome")).to_have_text("Complete: all 12 items.")
    await expect(page.locator("#arrived")).to_have_text(" ".join(map(str, range(12))))
    await expect(log(page, "finally ran: all items, 12 of 12")).to_have_count(1)


async def test_cancel_runs_the_generators_finally(page: Page) -> None:
    await start(page, 100_000, 20)
    await expect(page.locator("#arrived")).to_contain_text("0 1 2")
    await page.get_by_role("region", name="Counter").get_by_role("button", name="Cancel").click()
    await expect(page.locator("#counter-outcome")).to_have_text(re.compile(r"^Cancelled after \d+ items\.$"))
    await expect(log(page, "finally ran: stopped early")).to_have_count(1)
    entry = await log(page, "finally ran").text_content() or ""
    shown = await page.locator("#items").text_content() or ""
    produced = re.search(r"early, ([\d,]+) of 100,000", entry)
    assert produced
    assert int(shown) <= int(produced[1].replace(",", "")) + 1 < 1_000


async def test_finally_runs_when_the_page_leaves(page: Page) -> None:
    await start(page, 99_999, 20)
    await expect(page.locator("#arrived")).to_contain_text("0 1")
    await page.get_by_role("button", name="Disconnect").click()
    await expect(page.locator("#state")).to_have_text("Disconnected")
    await expect(page.locator("#counter-error")).to_be_visible()
    await page.get_by_role("button", name="Connect").click()
    await connected(page)
    await expect(log(page, "finally ran: stopped early", "of 99,999")).to_have_count(1)


async def test_a_fast_stream_arrives_whole(page: Page) -> None:
    await start(page, 20_000, 0)
    await expect(page.locator("#counter-outcome")).to_have_text("Complete: all 20,000 items.")
    await expect(page.locator("#items")).to_have_text("20,000")
    await expect(page.locator("#arrived")).to_have_text(" ".join(map(str, range(19_700, 20_000))))


async def test_the_servers_error_is_shown(page: Page) -> None:
    await page.locator("#count").evaluate("input => input.removeAttribute('max')")
    await start(page, 2_000_000, 0)
    await expect(page.locator("#counter-error")).to_contain_text("Counter counts 1 to 1,000,000 items")
    await expect(page.get_by_role("button", name="Start")).to_be_enabled()


async def test_each_typed_line_arrives_before_the_upload_completes(page: Page) -> None:
    line = page.get_by_label("A line, sent on Enter")
    complete = page.get_by_role("region", name="Upload").get_by_role("button", name="Complete")
    for number, text in enumerate(("alpha", "zwei Wörter", "snow ☃ and 🙂"), start=1):
        await line.fill(text)
        await line.press("Enter")
        await expect(log(page, f"line {number}: “{text}”")).to_have_count(1)
        await expect(complete).to_be_enabled()
        assert await log(page, "UploadStream", "ended").count() == 0
    await complete.click()
    await expect(page.locator("#upload-outcome")).to_have_text("The server got 3 lines, 28 characters.")
    await expect(log(page, "UploadStream", "ended after 3 lines")).to_have_count(1)


async def test_a_file_is_uploaded_with_progress(page: Page) -> None:
    await page.locator("#file-progress").evaluate(
        """bar => {
            window.seen = [];
            new MutationObserver(() => window.seen.push(bar.value)).observe(bar, {attributes: true});
        }"""
    )
    content = "".join(f"line {number} of the file\n" for number in range(5_000)) + "x" * 9_000
    await page.locator("#file").set_input_files(
        {"name": "lines.txt", "mimeType": "text/plain", "buffer": content.encode()}
    )
    await expect(page.locator("#file-outcome")).to_have_text("The server has read all of lines.txt: 5,003 lines.")
    seen: list[float] = await page.evaluate("window.seen")
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert any(0 < value < 1 for value in seen)
    await expect(
        log(page, "UploadFile", f"ended after 5,003 lines, {len(content) - 5_000:,} characters")
    ).to_have_count(1)


async def test_words_come_back_at_once(page: Page) -> None:
    words = page.get_by_label("Words, sent at each space")
    returned = page.get_by_role("list", name="Came back").locator("li")
    await words.press_sequentially("streams both ")
    await expect(returned).to_have_text(["STREAMS", "BOTH"])
    assert await log(page, "Shout", "ended").count() == 0
    await words.press_sequentially("ways")
    await words.press("Enter")
    await expect(returned).to_have_text(["STREAMS", "BOTH", "WAYS"])
    await page.get_by_role("region", name="Both ways").get_by_role("button", name="Complete").click()
    await expect(page.locator("#shout-outcome")).to_have_text("Complete: both streams have ended.")
    await expect(log(page, "Shout", "ended after 3 words")).to_have_count(1)


async def test_it_reconnects_when_the_server_comes_back(blank: Page) -> None:
    async with demo() as first:
        await blank.goto(first.url)
        await connected(blank)
    await expect(blank.locator("#state")).to_have_text("Reconnecting")
    await expect(blank.get_by_role("button", name="Start")).to_be_disabled()
    async with demo(first.port):
        # The client tries after 0, 2 and 10 s more: a server that takes 2 s to come back is found at the third.
        await expect(blank.locator("#state")).to_have_text("Connected", timeout=30_000)
        await start(blank, 3, 0)
        await expect(log(blank, "finally ran: all items, 3 of 3")).to_have_count(1)
        await blank.get_by_role("button", name="Disconnect").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_at_once_makes_the_picture(blank: Page, server: Demo, tmp_path: Path, scheme: str) -> None:
    await blank.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await blank.goto(server.url)
    await connected(blank)
    line = blank.get_by_label("A line, sent on Enter")
    for text in ("Every line is sent as it is typed,", "and is on the server at once."):
        await line.fill(text)
        await line.press("Enter")
    await blank.get_by_label("Words, sent at each space").press_sequentially("one call two streams ")
    await start(blank, 100, 20)
    await expect(blank.locator("#counter-outcome")).to_have_text("Complete: all 100 items.")
    await expect(blank.get_by_role("list", name="Came back").locator("li")).to_have_count(4)
    await expect(log(blank, "line 2:")).to_have_count(1)
    wanted = scheme == "light" and (not SCREENSHOT.exists() or os.environ.get("UPDATE_SCREENSHOT") == "1")
    picture = SCREENSHOT if wanted else tmp_path / "demo.png"
    await blank.screenshot(path=picture, full_page=True)
    assert picture.read_bytes().startswith(b"\x89PNG")
    for name in ("upload", "shout"):
        await blank.locator(f"#complete-{name}").click()
    await expect(blank.locator("#upload-outcome")).to_contain_text("2 lines")


async def test_a_narrow_screen_needs_no_sideways_scrolling(blank: Page, server: Demo) -> None:
    await blank.set_viewport_size({"width": 360, "height": 740})
    await blank.goto(server.url)
    await connected(blank)
    await start(blank, 3, 0)
    await expect(blank.locator("#counter-outcome")).to_have_text("Complete: all 3 items.")
    assert await blank.evaluate("document.documentElement.scrollWidth") == 360
