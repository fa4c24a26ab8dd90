"""`python -m bench.clients`: measure, print the table, write `bench/results/clients.json`."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from typing import TypeVar

from bench.__main__ import RESULTS
from bench.build import BUILD
from bench.clients.cases import CASES, PROTOCOLS
from bench.clients.programs import PROGRAMS, compile_dotnet
from bench.clients.run import run
from bench.clients.table import as_table, write_json
from bench.servers import SERVERS, Server

T = TypeVar("T")

TALKED_TO: Mapping[str, Server] = {name: SERVERS[name] for name in ("aspnet", "plain")}


def _chosen(what: str, table: Mapping[str, T], names: str | None) -> list[T]:
    if names is None:
        return list(table.values())
    unknown = [name for name in names.split(",") if name not in table]
    if unknown:
        raise SystemExit(f"no such {what}: {', '.join(unknown)}. There are: {', '.join(table)}")
    return [table[name] for name in names.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.clients", description="Compare clients by their CPU time per call and per item."
    )
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="of each case's count (1)")
    parser.add_argument("--cases", help=f"of: {','.join(CASES)}")
    parser.add_argument("--clients", help=f"of: {','.join(PROGRAMS)}")
    parser.add_argument("--servers", help=f"of: {','.join(TALKED_TO)}")
    parser.add_argument("--protocols", help=f"of: {','.join(PROTOCOLS)}")
    options = parser.parse_args()
    if shutil.which("taskset") is None:
        raise SystemExit("taskset is needed (Debian: apt install util-linux)")
    cases = _chosen("case", CASES, options.cases)
    protocols = _chosen("protocol", dict(zip(PROTOCOLS, PROTOCOLS, strict=True)), options.protocols)
    programs, servers = [], []
    BUILD.mkdir(exist_ok=True)
    for program in _chosen("client", PROGRAMS, options.clients):
        if why := program.missing():
            print(f"{program.title}: left out, {why}")
        else:
            programs.append(program)
    for server in _chosen("server", TALKED_TO, options.servers):
        if why := server.missing():
            print(f"{server.title}: left out, {why}")
        else:
            servers.append(server)
    if any(program.name == "dotnet" for program in programs):
        compile_dotnet()
    results = run(servers, protocols, cases, programs, rounds=options.rounds, scale=options.scale)
    print(as_table(results))
    write_json(results, RESULTS / "clients.json", rounds=options.rounds)
    return 1 if any(cell.failures for cells in results.values() for cell in cells.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
