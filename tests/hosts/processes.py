"""Server programs as processes: started on a free port, waited for, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from tests.browser.chromium import missing

__all__ = ["ROOT", "Program", "free_port", "program", "serving"]

ROOT = Path(__file__).parents[2]
START = 30.0
STOP = 15.0
"""Seconds a program may take to answer, and to end after SIGTERM."""


class Program:
    """A server that is up."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = process
        self._log = log

    def log(self) -> str:
        """All it wrote so far."""
        return self._log.read_text(errors="replace")

    def stop(self) -> float:
        """Send SIGTERM and wait for its end; the seconds that took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP)
        return time.monotonic() - start

    def wait_for_log(self, text: str, seconds: float = 5.0) -> None:
        """Wait until it has written this."""
        end = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < end, f"no {text!r} in:\n{self.log()}"
            time.sleep(0.02)


def program(name: str) -> str:
    """The path of a program, this environment's first; without it the test is skipped, or fails in CI."""
    beside = str(Path(sys.executable).parent)
    path = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        missing(f"no {name} found: `make test` says how to get it")
    return path


@contextlib.contextmanager
def free_port() -> Generator[int]:
    """A port held, by a socket that does not listen, for programs that set SO_REUSEPORT and do not say which port they got."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def serving(
    command: Sequence[str], port: int = 0, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> Generator[Program]:
    """Run a server while the block runs.

    Args:
        command: The program and its arguments; the program is looked for by name.
        port: Where it listens; 0 if its log says it.
        cwd: Its folder.
        env: Added to its environment.
    """
    with tempfile.TemporaryDirectory(prefix="host-") as folder:
        log = Path(folder) / "log"
        # gunicorn keeps a control socket in its home.
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": folder, **(env or {})}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [program(command[0]), *command[1:]], cwd=cwd, env=environment, stdout=out, stderr=out
            )
        try:
            up = Program(_answering(process, log, port), process, log)
            yield up
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    raise


def _answering(process: subprocess.Popen[bytes], log: Path, port: int) -> int:
    end = time.monotonic() + START
    while time.monotonic() < end:
        text = log.read_text(errors="replace")
        assert process.poll() is None, f"it ended at once:\n{text}"
        if not port and (said := re.search(r"https?://127\.0\.0\.1:(\d+)", text)):
            port = int(said[1])
        if port:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return port
        time.sleep(0.03)
    raise AssertionError(f"it did not listen within {START} s:\n{log.read_text(errors='replace')}")
