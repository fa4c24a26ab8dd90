"""Who is measured: how each client's program is started, pinned to the last core."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.build import BUILD
from bench.clients.cases import Case
from bench.servers import ASPNET, ROOT, StartError, cores

__all__ = ["PROGRAMS", "Program", "Running", "compile_dotnet"]

RIVALS = BUILD / "rivals" / "bin" / "python"
"""Of the environment that `make bench-client` makes for the clients of others."""
DOTNET = BUILD / "dotnet-client"
PATIENCE = 60
"""Seconds a case may take."""


@dataclass(frozen=True)
class Program:
    """One column of the table."""

    name: str
    title: str
    command: tuple[str, ...]
    """The URL and the protocol follow it, and `options`."""
    options: tuple[str, ...] = ()
    needs: Path | None = None
    """A file without which the column is left out."""
    share: float = 1.0
    """Of a case's count, for a slow one."""
    threads: bool = False
    """As `Server.threads`: its own queueing says nothing."""
    warm_ups: int = 1
    """Unmeasured rounds."""
    cannot: frozenset[tuple[str, str]] = frozenset()
    """Protocol and case of what it does not do."""

    def can(self, protocol: str, case: Case) -> bool:
        """Whether it does this at all."""
        return (protocol, case.name) not in self.cannot

    def count(self, case: Case, scale: float) -> int:
        """Calls or items in a round, a multiple of those in flight."""
        return max(1, round(case.count * self.share * scale / 100)) * 100

    def missing(self) -> str:
        """Why it cannot run here; empty when it can."""
        return "" if self.needs is None or self.needs.exists() else f"{self.needs} is not there"


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "dotnet",
            ".NET",
            (str(ASPNET), str(DOTNET / "client.dll")),
            needs=ASPNET,
            threads=True,
            warm_ups=5,  # its JIT compiles in tiers: in the first round an item costs two to four times as much
        ),
        Program("hubstream", "hubstream", (sys.executable, "-m", "bench.clients.hubstream_client")),
        Program("uvloop", "on uvloop", (sys.executable, "-m", "bench.clients.hubstream_client"), ("uvloop",)),
        Program(
            "pysignalr", "pysignalr", (str(RIVALS), "-m", "bench.clients.pysignalr_client"), needs=RIVALS, share=0.1
        ),
        Program(
            "signalrcore",
            "signalrcore",
            (str(RIVALS), "-m", "bench.clients.signalrcore_client"),
            needs=RIVALS,
            share=0.1,
            cannot=frozenset({("messagepack", "up")}),  # it writes one field too few, and the servers hang up
        ),
    )
}


def compile_dotnet() -> None:
    """Bring the .NET program up to date.

    Raises:
        StartError: The compiler refuses it.
    """
    source, program = Path(__file__).parent / "dotnet" / "Program.cs", DOTNET / "client.dll"
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return
    libraries = ASPNET.parent / "client" / "bin"
    shutil.copytree(libraries, DOTNET, dirs_exist_ok=True)
    shutil.copy(libraries / "signalr-conformance.runtimeconfig.json", program.with_suffix(".runtimeconfig.json"))
    command = [str(ASPNET.parent / "compile"), str(program), str(libraries), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise StartError(f"the compiler says: {(done.stdout + done.stderr).strip()[-400:]}")


def _queued_ns(pid: int) -> int:
    """How long its threads have waited for the core."""
    return sum(int(path.read_text().split()[1]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


class Running:
    """A client's program, against one server in one protocol; started when it is first asked for something.

    A context manager: leaving it ends the process.
    """

    def __init__(self, program: Program, url: str, protocol: str) -> None:
        self._command = ["taskset", "-c", str(cores()[1]), *program.command, url, protocol, *program.options]
        self._log = BUILD / f"client-{program.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def measure(self, case: str, count: int) -> dict[str, float]:
        """What a case costs.

        Raises:
            RuntimeError: The program says no, or nothing; it has been ended.
        """
        process = self._process = self._process or self._start()
        queued = _queued_ns(process.pid)
        answer = self._ask(process, f"{case} {count}\n".encode())
        seconds = count / answer["per_second"]
        return answer | {"queued": max(0, _queued_ns(process.pid) - queued) / 1e9 / seconds}

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT)

    def _ask(self, process: subprocess.Popen[bytes], line: bytes) -> dict[str, float]:
        assert process.stdin is not None
        assert process.stdout is not None
        told = b""
        process.stdin.write(line)
        process.stdin.flush()
        if select.select([process.stdout], [], [], PATIENCE)[0]:
            told = process.stdout.readline()
        answer: dict[str, float] = json.loads(told) if told else {}
        if "per_second" not in answer:
            self.stop()
            raise RuntimeError(
                answer.get("error") or f"no answer; {self._log.read_text(errors='replace')[-300:].strip()}"
            )
        return answer

    def stop(self) -> None:
        """End the process, and wait."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
