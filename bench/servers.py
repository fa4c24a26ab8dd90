"""Who is measured: how each server is started, pinned to the first core, and what it cannot do."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.build import BUILD

__all__ = ["SERVERS", "Process", "Server", "StartError", "cores"]

ROOT = Path(__file__).parent.parent
ASPNET = ROOT.parent / "shared" / "dotnet" / "run"
START_SECONDS = 60  # the reference server unpacks its runtime at the first start


class StartError(Exception):
    """The server did not come up."""


def cores() -> tuple[int, int]:
    """The core of the server and the core of the load."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@dataclass(frozen=True)
class Server:
    """One column of the table."""

    name: str
    title: str
    command: tuple[str, ...]
    """`PORT` in it is replaced."""
    path: str = "/bench"
    """Where the load connects."""
    needs: str = ""
    """A module or a file without which the column is left out."""
    lacks: frozenset[str] = frozenset()
    """Hub methods it does not have."""
    deflate: bool = False
    """The load offers permessage-deflate, as a browser does."""
    threads: bool = False
    """It runs on several threads, which queue for the core behind each other."""
    warm_ups: int = 1
    """Unmeasured rounds."""
    later: bool = False
    """Only run when it is asked for by name."""

    def missing(self) -> str:
        """Why it cannot run here; empty when it can."""
        if not self.needs:
            return ""
        there = Path(self.needs).exists() if os.sep in self.needs else importlib.util.find_spec(self.needs)
        return "" if there else f"{self.needs} is not there"


PROTOTYPE = (sys.executable, "-m", "uvicorn", "bench.prototype.asgi:app", "--port", "PORT", "--log-level", "error")
HUBSTREAM = (sys.executable, "-m", "conformance", "--port", "PORT")
FEATURED = (sys.executable, "-m", "uvicorn", "bench.featured:app", "--port", "PORT", "--log-level", "error")
NOT_IN_PROTOTYPE = frozenset({"CounterChannel", "Broadcast"})

SERVERS = {
    server.name: server
    for server in (
        Server("floor", "C floor", (str(BUILD / "wsfloor"), "PORT")),
        Server("prototype", "prototype, plain", PROTOTYPE, lacks=NOT_IN_PROTOTYPE),
        Server("plain", "hubstream, plain", HUBSTREAM, needs="conformance"),
        Server("deflate", "plain with permessage-deflate", HUBSTREAM, needs="conformance", deflate=True),
        Server("featured", "hubstream, every feature on", FEATURED, path="/bench?access_token=bench"),
        Server(
            "aspnet",
            "ASP.NET Core",
            (str(ASPNET), "server", "--urls", "http://127.0.0.1:PORT"),
            needs=str(ASPNET),
            threads=True,
            warm_ups=2,  # its JIT compiles in tiers
        ),
        Server(
            "prototype-fast",
            "prototype, fast",
            (*PROTOTYPE, "--ws", "bench.prototype.fast:WebSocket"),
            lacks=NOT_IN_PROTOTYPE,
            later=True,
        ),
        Server(
            "prototype-deflate", "prototype with deflate", PROTOTYPE, lacks=NOT_IN_PROTOTYPE, deflate=True, later=True
        ),
    )
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A running server, in a process group of its own. A context manager: leaving it ends the group."""

    def __init__(self, server: Server) -> None:
        self.port = _free_port()
        self.log = BUILD / f"{server.name}.log"
        command = [part.replace("PORT", str(self.port)) for part in server.command]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(cores()[0]), *command],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise StartError(f"it did not start; its last words: {self.last_words()}")

    def last_words(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-400:].strip()

    def pids(self) -> list[int]:
        """Its processes, children included."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def memory_kb(self) -> int:
        """Proportional set size, KB."""
        total = 0
        for pid in self.pids():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total

    def stop(self) -> None:
        """End it, and wait."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
