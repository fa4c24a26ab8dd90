"""Run the cases: every client once in each case of each round, so that what disturbs the machine disturbs them all.

The server has the first core, the clients, one after the other, the last. The figure is a client's CPU time per call or item.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterable

from bench.clients.cases import Case
from bench.clients.programs import Program, Running
from bench.run import Cell
from bench.servers import Process, Server, StartError

__all__ = ["Results", "Row", "run"]

Row = tuple[str, str, str]
"""Server, protocol, case."""
Results = dict[Row, dict[str, Cell]]


def _progress(text: str) -> None:
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def _measure(cell: Cell, running: Running, case: Case, program: Program, *, keep: bool, scale: float) -> None:
    if cell.failures:
        return
    try:
        measured = running.measure(case.name, max(100, int(case.count * program.share * scale)))
    except (RuntimeError, OSError, ValueError) as error:
        cell.failures.append(str(error))
        print(f"\r{case.name}, {program.title} failed: {str(error)[-200:]!r}", file=sys.stderr)
    else:
        if keep:
            cell.rounds.append(measured)


def run(
    servers: Iterable[Server],
    protocols: Iterable[str],
    cases: Iterable[Case],
    programs: Iterable[Program],
    *,
    rounds: int,
    scale: float,
) -> Results:
    """Measure, `scale` times each case's count. Progress and failures go to standard error."""
    protocols, cases, programs = list(protocols), list(cases), list(programs)
    results: Results = {}
    for server in servers:
        for protocol in protocols:
            cells = {
                case.name: {program.name: Cell(program.name == "dotnet") for program in programs} for case in cases
            }
            results |= {(server.name, protocol, name): row for name, row in cells.items()}
            with contextlib.ExitStack() as stack:
                try:
                    process = stack.enter_context(Process(server))
                except (StartError, subprocess.SubprocessError) as error:
                    print(f"\r{server.title}: {error}", file=sys.stderr)
                    continue
                url = f"http://127.0.0.1:{process.port}/bench"
                running = {program.name: stack.enter_context(Running(program, url, protocol)) for program in programs}
                for number in range(-max(program.warm_ups for program in programs), rounds):
                    for case in cases:
                        which = f"round {number + 1} of {rounds}" if number >= 0 else "warming up"
                        _progress(f"{server.title}, {protocol}, {which}, {case.name}")
                        for program in programs:
                            if number >= -program.warm_ups:
                                cell = cells[case.name][program.name]
                                _measure(cell, running[program.name], case, program, keep=number >= 0, scale=scale)
    _progress("")
    print("\r", end="", file=sys.stderr)
    return results
