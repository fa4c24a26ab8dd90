"""The code in README.md and docs/ is run: a page's Python blocks in one namespace, its tests, and the browser's lines in Node."""

from __future__ import annotations

import asyncio
import inspect
import re
import shutil
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from hubstream.types import ASGIApp
from tests.browser.chromium import missing

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The page's blocks of a language, each on the line where it stands, so that tracebacks point into the page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, block.start(1)) + block[1] for block in found]


def run(page: Path) -> dict[str, Any]:
    """Run the Python blocks of a page, as a module of its name."""
    namespace: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, page, "exec", dont_inherit=True), namespace)  # noqa: S102 - our own pages
    return namespace


def cases(kind: str) -> list[Any]:
    """The tests that the pages show, by their pages and names; `kind` is what stands before a name."""
    return [
        pytest.param(page, name, id=f"{page.name}-{name}")
        for page in PAGES
        for block in blocks(page, "python")
        for name in re.findall(rf"^{kind} (test_\w+)", block, re.MULTILINE)
    ]


@pytest.mark.parametrize(("page", "name"), cases("async def"))
async def test_what_a_page_shows_holds(page: Path, name: str) -> None:
    shown: Callable[[], Awaitable[None]] = run(page)[name]
    async with asyncio.timeout(10):
        await shown()


@pytest.mark.parametrize(("page", "name"), cases("def"))
def test_what_a_page_runs_holds(page: Path, name: str) -> None:
    run(page)[name]()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which does not exist"


def test_the_server_has_twelve_lines_or_fewer() -> None:
    server = blocks(ROOT / "README.md", "python")[0]
    assert len([line for line in server.splitlines() if line.strip()]) <= 12


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[int]:
    """The port of an application that is served while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        async with asyncio.timeout(10):
            await serving


async def test_the_programs_lines_print_what_the_server_streams(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(ROOT / "README.md")
    async with served(shown["app"]) as port, asyncio.timeout(20):
        source = inspect.cleandoc(blocks(ROOT / "README.md", "python")[1])
        source = source.replace("localhost:8000", f"127.0.0.1:{port}").replace("10, 0.5", "3, 0.01")
        exec(compile(source, "README.md", "exec", dont_inherit=True), shown)  # noqa: S102 - our own page
        await shown["program"]()
    assert capsys.readouterr().out.split() == ["0", "1", "2", "15"]


async def test_the_browsers_lines_print_what_the_server_streams(tmp_path: Path) -> None:
    node, modules = shutil.which("node"), ROOT / "demo" / "node_modules"
    if node is None or not modules.is_dir():
        missing("Node or the demo's libraries are missing: `make test` installs them")
    app: ASGIApp = run(ROOT / "README.md")["app"]
    (script,) = blocks(ROOT / "README.md", "js")
    (tmp_path / "node_modules").symlink_to(modules)
    async with served(app) as port:
        lines = script.replace("localhost:8000", f"127.0.0.1:{port}").replace("10, 0.5", "3, 0.01")
        # The page stays open; a program ends its connection once both streams have ended.
        lines = lines.replace('console.log("that was all")', '(console.log("that was all"), connection.stop())')
        (tmp_path / "page.mjs").write_text(lines, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            node, tmp_path / "page.mjs", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(20):
                output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    printed = [line for line in output.decode().splitlines() if not line.startswith("[")]  # the client's own log
    assert sorted(printed) == ["0", "1", "12", "2", "that was all"], errors.decode()


def test_every_block_is_of_a_kind_that_is_run() -> None:
    for page in PAGES:
        kinds = set(re.findall(r"^```(\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert kinds <= {"python", "js", "sh", "nginx"}
    assert inspect.isclass(run(ROOT / "README.md")["Clock"])
