"""Run the cases: every server once in each case of each round, so that what disturbs the machine disturbs them all.

The figure is the server's CPU time per item, of all its threads, from its process clock: it hardly depends on who else
uses the machine. A measurement in which server or load had to queue for its core counts only when there is no better one.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from bench.build import BUILD
from bench.cases import CASES, Case, Load
from bench.servers import Process, Server, StartError, cores

__all__ = ["Cell", "Results", "run"]

PAYLOADS = BUILD / "payloads"
DISTURBED = 0.1  # share of the time that server or load queued for a core
WARM_UP = CASES["stream"].load  # before memory is measured
SETTLE_SECONDS = 1  # after it: what is free goes back to the system
LOAD_SECONDS = 120  # a run of the load generator ends within it


@dataclass
class Cell:
    """One server in one case."""

    threads: bool = False
    """As `Server.threads`: its own queueing says nothing."""
    rounds: list[dict[str, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def _quiet(self) -> list[dict[str, float]]:
        watched = ("load_queued",) if self.threads else ("queued", "load_queued")
        return [r for r in self.rounds if all(r.get(key, 0) <= DISTURBED for key in watched)]

    @property
    def disturbed(self) -> bool:
        """No measurement was quiet."""
        return not self._quiet()

    def median(self, key: str) -> float | None:
        """Of the quiet measurements, or of all when none was. None when nothing was measured."""
        values = [r[key] for r in self._quiet() or self.rounds if key in r]
        return statistics.median(values) if values else None


Results = dict[str, dict[str, Cell]]


class _Fleet:
    """The servers of the run: started at first use, and again when one has died.

    Columns with the same command share a process; one that does not start is not tried again.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._running: dict[tuple[str, ...], Process] = {}
        self._broken: dict[tuple[str, ...], str] = {}

    def get(self, server: Server) -> Process:
        command = server.command
        if command in self._broken:
            raise StartError(self._broken[command])
        process = self._running.get(command)
        if process is None or process.process.poll() is not None:
            try:
                process = self._running[command] = self._stack.enter_context(Process(server))
            except StartError as error:
                self._broken[command] = str(error)
                raise
        return process


def _command(server: Server, process: Process, load: Load, seconds: float) -> list[str]:
    pids = ",".join(map(str, process.pids()))
    arguments = load.arguments(payloads=str(PAYLOADS), seconds=seconds, deflate=server.deflate)
    program = ["taskset", "-c", str(cores()[1]), str(BUILD / "wsload")]
    return [*program, load.mode, str(process.port), server.path, *arguments, f"pid={pids}"]


def _measure(fleet: _Fleet, server: Server, load: Load, seconds: float) -> dict[str, float]:
    command = _command(server, fleet.get(server), load, seconds)
    done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-300:])
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _measure_memory(server: Server, case: Case) -> dict[str, float]:
    """What a load adds to a fresh server's memory, KB per connection."""
    with contextlib.ExitStack() as stack:
        fleet = _Fleet(stack)
        process = fleet.get(server)
        for _ in range(3):
            _measure(fleet, server, WARM_UP, 0)
        time.sleep(SETTLE_SECONDS)
        before = process.memory_kb()
        command = _command(server, process, case.load, 0)
        load = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        assert load.stdout is not None
        assert load.stderr is not None
        if load.stdout.readline() != "READY\n":
            raise RuntimeError(load.stderr.read().strip()[-300:])
        time.sleep(float(case.load.keys["dur"]) - 1)
        grown = max(0, process.memory_kb() - before)
        return {"kb": grown / int(case.load.keys.get("conns", "1"))}


def _load_for(server: Server, case: Case) -> Load | None:
    if server.name == "floor":
        return case.floor
    return None if case.method in server.lacks else case.load


def _attempt(cell: Cell, what: str, work: Callable[[], dict[str, float]]) -> None:
    try:
        cell.rounds.append(work())
    except (StartError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        cell.failures.append(str(error))
        print(f"\r{what} failed: {str(error)[-150:]!r}", file=sys.stderr)


def _progress(text: str) -> None:
    print(f"\r{text:50}", end="", file=sys.stderr, flush=True)


def run(cases: Iterable[Case], servers: Iterable[Server], *, rounds: int, seconds: float) -> Results:
    """Measure, `seconds` for each closed-loop case. Progress and failures go to standard error."""
    cases, servers = list(cases), list(servers)
    results: Results = {case.name: {server.name: Cell(server.threads) for server in servers} for case in cases}
    timed = [case for case in cases if case.unit == "µs"]
    with contextlib.ExitStack() as stack:
        fleet = _Fleet(stack)
        for number in range(-max((server.warm_ups for server in servers), default=0), rounds):
            for case in timed:
                _progress((f"round {number + 1} of {rounds}, " if number >= 0 else "warming up, ") + case.name)
                for server in servers:
                    load = _load_for(server, case)
                    cell = results[case.name][server.name]
                    if load is None or number < -server.warm_ups or cell.failures:
                        continue
                    measure = partial(_measure, fleet, server, load, seconds)
                    _attempt(cell, f"{case.name}, {server.title}", measure)
                    if number < 0:
                        cell.rounds.clear()
    for case in (case for case in cases if case.unit != "µs"):
        _progress(f"memory, {case.name}")
        for server in servers:
            cell = results[case.name][server.name]
            if server.name != "floor" and case.method not in server.lacks:
                _attempt(cell, f"{case.name}, {server.title}", partial(_measure_memory, server, case))
    _progress("")
    print("\r", end="", file=sys.stderr)
    return results
