"""Serves the JavaScript driver to a browser as it is, without a build step."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.interop.javascript import FOLDER

__all__ = ["driver_page"]

PAGE = Path(__file__).parent / "driver.html"


class Files(SimpleHTTPRequestHandler):
    """`/` is the page, `/js/` the driver's folder, where `./Name` finds `Name.js`: packages made for bundlers write it so."""

    extensions_map = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", "": ""}  # noqa: RUF012 - as in the base
    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        if path == "/":
            return str(PAGE)
        if not path.startswith("/js/") or ".." in path:
            return ""
        file = FOLDER / path.removeprefix("/js/")
        return str(file if file.is_file() else file.with_name(file.name + ".js"))

    def log_message(self, format: str, *args: object) -> None:
        """Errors show in the browser."""

    def do_POST(self) -> None:
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)


@contextmanager
def driver_page() -> Generator[str]:
    """The URL of the driver's page, while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
