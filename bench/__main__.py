"""`python -m bench`: compile what is needed, measure, print the tables, write `bench/results/latest.json`."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from bench.build import build
from bench.cases import CASES, Case
from bench.payloads import write_payloads
from bench.prices import main as prices
from bench.run import PAYLOADS, run
from bench.servers import SERVERS, Server
from bench.table import as_tables, write_json

RESULTS = Path(__file__).parent / "results"
T = TypeVar("T", Case, Server)


def _chosen(what: str, table: Mapping[str, T], names: str | None) -> list[T]:
    if names is None:
        return [entry for entry in table.values() if not entry.later]
    unknown = [name for name in names.split(",") if name not in table]
    if unknown:
        raise SystemExit(f"no such {what}: {', '.join(unknown)}. There are: {', '.join(table)}")
    return [table[name] for name in names.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare servers by their CPU time per item.")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds (3)")
    parser.add_argument("--cases", help=f"of: {','.join(CASES)}")
    parser.add_argument("--servers", help=f"of: {','.join(SERVERS)}")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything run?")
    options = parser.parse_args()
    for program in ("gcc", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is needed (Debian: apt install gcc util-linux)")
    cases = _chosen("case", CASES, options.cases)
    servers = []
    for server in _chosen("server", SERVERS, options.servers):
        if why := server.missing():
            print(f"{server.title}: left out, {why}")
        else:
            servers.append(server)
    build()
    write_payloads(PAYLOADS)
    rounds, seconds = (1, 0.3) if options.quick else (options.rounds, 0.8)
    results = run(cases, servers, rounds=rounds, seconds=seconds)
    print(as_tables(results))
    write_json(results, RESULTS / "latest.json", rounds=rounds)
    if options.cases is None and options.servers is None and not options.quick:
        print()
        prices()
    return 1 if any(cell.failures for cells in results.values() for cell in cells.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
