"""Pages of another origin, in Chromium, with cookies: the recipe of each framework, and what is refused without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from typing_extensions import override

from tests.browser.chromium import ARGUMENTS, chromium
from tests.hosts.client import ALL, FOLDER, MODULES, TRANSPORTS, node
from tests.hosts.processes import serving
from tests.hosts.recipes import PAGES, followed, recipes

COOKIES = (*ALL, "cookie")
HTTP = TRANSPORTS[1:]


class Quiet(SimpleHTTPRequestHandler):
    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of the page: an address of its own."""
    node()
    folder = tmp_path_factory.mktemp("page")
    for script in ("signalr", "signalr-protocol-msgpack"):
        (folder / f"{script}.js").symlink_to(MODULES / "@microsoft" / script / "dist" / "browser" / f"{script}.js")
    for name in ("page.html", "checks.mjs"):
        (folder / name).symlink_to(FOLDER / name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    """The page, loaded, without cookies."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{origin}/page.html")
    page.wait_for_function("document.title === 'ready'", timeout=10_000)
    yield page
    context.close()


def log_in(page: Page, url: str) -> None:
    page.context.add_cookies([{"name": "session", "value": "secret", "url": url, "httpOnly": True, "sameSite": "Lax"}])


def outcomes(page: Page, url: str, transports: tuple[str, ...], checks: tuple[str, ...], **http: Any) -> dict[str, str]:
    """What the client in the page says."""
    page.set_default_timeout(60_000)
    said: dict[str, str] = page.evaluate(
        "([url, transports, checks, http]) => checked(url, transports, checks, http)",
        [url, list(transports), list(checks), http],
    )
    return said


@pytest.mark.parametrize("section", ["FastAPI", "Starlette", "Litestar"])
def test_a_framework(section: str, page: Page, origin: str, tmp_path: Path) -> None:
    recipe = next(recipe for recipe in recipes() if recipe.section == section)
    files = {name: content.replace(PAGES, origin) for name, content in recipe.files.items()}
    with followed(recipe._replace(files=files), tmp_path) as up:
        log_in(page, up.url)
        said = outcomes(page, up.url + recipe.path, TRANSPORTS, COOKIES)
        assert {name: outcome for name, outcome in said.items() if outcome != "ok"} == {}
        assert len(said) == 5 * len(COOKIES)


def test_a_page_that_is_not_listed(page: Page, tmp_path: Path) -> None:
    """The recipe as it stands lists another origin: no transport lets this page in."""
    recipe = next(recipe for recipe in recipes() if recipe.section == "Starlette")
    with followed(recipe, tmp_path) as up:
        log_in(page, up.url)
        said = outcomes(page, up.url + recipe.path, TRANSPORTS, ("call",))
        assert all("Failed to complete negotiation" in outcome for outcome in said.values()), said
        # A WebSocket needs no negotiation, and CORS does not stop it: the origin rule does.
        direct = outcomes(page, up.url + recipe.path, TRANSPORTS[:1], ("call",), skipNegotiation=True)
        assert all("WebSocket failed to connect" in outcome for outcome in direct.values()), direct
        assert "it carries cookies and comes from another host" in up.log()


def test_cors_alone_does_not_let_a_websocket_with_cookies_in(page: Page, origin: str, tmp_path: Path) -> None:
    recipe = next(recipe for recipe in recipes() if recipe.section == "Starlette")
    files = {name: content.replace(PAGES, origin) for name, content in recipe.files.items()}
    files["app.py"] = files["app.py"].replace(", origins=PAGES", "")
    with followed(recipe._replace(files=files), tmp_path) as up:
        log_in(page, up.url)
        said = outcomes(page, up.url + recipe.path, HTTP, COOKIES)
        assert set(said.values()) == {"ok"}, said
        refused = outcomes(page, up.url + recipe.path, TRANSPORTS[:1], ("call",))
        assert all("WebSocket failed to connect" in outcome for outcome in refused.values()), refused


def test_a_websocket_without_cookies_may_come_from_anywhere(page: Page) -> None:
    with serving(["uvicorn", "--port", "0", "tests.hosts.apps:plain"]) as up:
        said = outcomes(page, f"{up.url}/clock", TRANSPORTS[:1], ALL, skipNegotiation=True)
        assert set(said.values()) == {"ok"}, said
        log_in(page, up.url)
        refused = outcomes(page, f"{up.url}/clock", TRANSPORTS[:1], ("call",), skipNegotiation=True)
        assert "ok" not in refused.values()
