"""Run the cases: every client once in each case of each round, so that what disturbs the machine disturbs them all.

The server has the first core, the clients, one after the other, the last. The figure is a client's CPU time per call or item.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterable

from bench.clients.cases import CASES, Case
from bench.clients.programs import Program, Running
from bench.run import Cell
from bench.servers import Process, Server, StartError

__all__ = ["Results", "Row", "run"]

Row = tuple[str, str, str]
"""Server, protocol, case."""
Results = dict[Row, dict[str, Cell]]

FAILURES = (RuntimeError, OSError, ValueError, StartError, subprocess.SubprocessError)


def _progress(text: str) -> None:
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def _warm_up(program: Program, running: Running, protocol: str, scale: float) -> None:
    """Go through all cases: a JIT that has seen few of them is slower in those."""
    for number in range(program.warm_ups):
        for case in CASES.values():
            if program.can(protocol, case):
                _progress(f"{program.title}, {protocol}, warming up {number + 1}, {case.name}")
                with contextlib.suppress(*FAILURES):  # it will fail again
                    running.measure(case.name, program.count(case, scale))


def _measure(cell: Cell, running: Running, program: Program, case: Case, scale: float) -> None:
    try:
        cell.rounds.append(running.measure(case.name, program.count(case, scale)))
    except FAILURES as error:
        cell.failures.append(str(error))
        print(f"\r{case.name}, {program.title} failed: {str(error)[-200:]!r}", file=sys.stderr)


def _against(
    server: Server, protocol: str, cases: list[Case], programs: list[Program], rounds: int, scale: float
) -> Results:
    """The rows of one server and protocol."""
    results: Results = {
        (server.name, protocol, case.name): {
            program.name: Cell(program.threads) for program in programs if program.can(protocol, case)
        }
        for case in cases
    }
    with contextlib.ExitStack() as stack:
        url = f"http://127.0.0.1:{stack.enter_context(Process(server)).port}/bench"
        running = {program.name: stack.enter_context(Running(program, url, protocol)) for program in programs}
        for program in programs:
            _warm_up(program, running[program.name], protocol, scale)
        for number in range(rounds):
            for case in cases:
                _progress(f"{server.title}, {protocol}, round {number + 1} of {rounds}, {case.name}")
                cells = results[server.name, protocol, case.name]
                for program in programs:
                    if program.name in cells and not cells[program.name].failures:
                        _measure(cells[program.name], running[program.name], program, case, scale)
    return results


def run(
    servers: list[Server],
    protocols: Iterable[str],
    cases: list[Case],
    programs: list[Program],
    *,
    rounds: int,
    scale: float,
) -> Results:
    """Measure, `scale` times each case's count. Progress and failures go to standard error."""
    results: Results = {}
    for protocol in protocols:
        for server in servers:
            try:
                results |= _against(server, protocol, cases, programs, rounds, scale)
            except StartError as error:
                print(f"\r{server.title}: {error}", file=sys.stderr)
    _progress("")
    print("\r", end="", file=sys.stderr)
    return results
