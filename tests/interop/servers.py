"""Server processes for the tests: started on a free port, waited for, ended by their process id."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import IO

__all__ = ["ROOT", "Served", "conformance", "process", "reference", "running"]

ROOT = Path(__file__).parents[2]
"""The checkout."""

START = 30.0
STOP = 10.0
"""Seconds a server may take to come up, and to end after SIGTERM."""

SHOWN = 2_000
"""Characters of a server's standard error that a failed test shows."""


class Served:
    """A server that is up."""

    def __init__(self, name: str, url: str, log: IO[str]) -> None:
        self.name = name
        self.url = url
        self._log = Path(log.name)

    def log(self) -> str:
        """The end of what it wrote to standard error."""
        return self._log.read_text(errors="replace")[-SHOWN:]


running: list[Served] = []
"""The servers that are up now; a failed test shows what they wrote."""


def conformance(*options: str) -> contextlib.AbstractContextManager[Served]:
    """The conformance server with these command line options, while the block runs."""
    return process("conformance", "--port", "0", *options)


def reference(shared: Path) -> contextlib.AbstractContextManager[Served]:
    """ASP.NET Core's server of the conformance hubs, while the block runs."""
    return _serving("aspnet", [str(shared / "dotnet" / "run"), "server", "--urls", "http://127.0.0.1:0"])


def process(module: str, *options: str) -> contextlib.AbstractContextManager[Served]:
    """A module that serves and says `listening on URL`, with these command line options, while the block runs."""
    return _serving(" ".join([module, *options]), [sys.executable, "-m", module, *options])


@contextlib.contextmanager
def _serving(name: str, command: list[str]) -> Generator[Served]:
    with (
        tempfile.NamedTemporaryFile("w+", prefix="server-", suffix=".log") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            served = Served(name, _listening(server, Path(log.name)), log)
            running.append(served)
            try:
                yield served
            finally:
                running.remove(served)
        finally:
            server.terminate()
            try:
                server.wait(STOP)
            except subprocess.TimeoutExpired:
                server.kill()
                raise


def _listening(process: subprocess.Popen[str], log: Path) -> str:
    """The URL of the line `listening on URL`."""
    lines: queue.Queue[str] = queue.Queue(1)
    out = process.stdout
    assert out is not None
    threading.Thread(target=lambda: lines.put(out.readline()), daemon=True).start()
    try:
        line = lines.get(timeout=START)
    except queue.Empty:
        line = f"nothing within {START} s"
    word, _, url = line.strip().rpartition(" ")
    if word != "listening on":
        raise RuntimeError(f"the server said {line!r}, and on standard error:\n{log.read_text(errors='replace')}")
    return url
