"""`python -m bench.paired OTHER_TREE`: has anything of this package's own work moved against another tree of it?

Two processes, one with each tree's `src`, do the same short pieces of work in turn; the figure is the median of the ratios of the
pairs, which a machine whose speed drifts disturbs least. Some of a process's speed is decided by where its memory lies, so there
are several launches of both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from bench.inside import QUIET, ROWS, Client, joined, loop_factory, nanoseconds
from bench.servers import cores

ROOT = Path(__file__).parent.parent
LAUNCHES = 6
PAIRS = 15


class Side:
    """A process with the package of one tree. A context manager."""

    def __init__(self, tree: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONHASHSEED": "0"}
        command = ["taskset", "-c", str(cores()[0]), sys.executable, "-m", "bench.paired", "--serve"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )

    def ask(self, row: str) -> float:
        """Nanoseconds an item, measured now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(row, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"it ended in row {row}")
        return float(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _pairs(here: Side, there: Side, row: str) -> Iterator[tuple[float, float]]:
    """Of here and there; each goes first in half of them."""
    for warming in (here, there):
        warming.ask(row)
    for number in range(PAIRS):
        if number % 2:
            other = there.ask(row)
            yield here.ask(row), other
        else:
            mine = here.ask(row)
            yield mine, there.ask(row)


def compare(other: Path, rows: list[str], launches: int) -> None:
    """Print the table."""
    measured: dict[str, list[list[tuple[float, float]]]] = {row: [] for row in rows}
    for launch in range(launches):
        print(f"\rlaunch {launch + 1} of {launches}", end="", file=sys.stderr, flush=True)
        for row in rows:
            with Side(ROOT) as here, Side(other) as there:
                measured[row].append(list(_pairs(here, there, row)))
    print("\r", end="", file=sys.stderr)
    print("CPU ns an item | there | here | here / there | of single launches\n--- | --: | --: | --: | --:")
    for row, rounds in measured.items():
        ratios = [statistics.median(here / there for here, there in pairs) for pairs in rounds]
        mine, theirs = (statistics.median(pair[side] for pairs in rounds for pair in pairs) for side in (0, 1))
        spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
        print(
            f"{row}: {ROWS[row].title} | {theirs:.0f} | {mine:.0f} | {statistics.median(ratios):.3f} | {spread}",
            flush=True,
        )


async def serve() -> None:
    """Do what standard input asks for: a row in each line."""
    from conformance.bench import BenchHub  # noqa: PLC0415 - of this tree, on the other's package
    from hubstream import HubServer  # noqa: PLC0415

    hubs = HubServer({"/bench": BenchHub}, **QUIET)
    async with contextlib.AsyncExitStack() as stack:
        clients: dict[int, list[Client]] = {}
        while row := sys.stdin.readline().strip():
            count = ROWS[row].clients
            if count not in clients:
                clients[count] = await stack.enter_async_context(joined(hubs, "/bench", count))
            print(await nanoseconds(ROWS[row], clients[count]), flush=True)
    await hubs.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.paired", description="Compare this tree with another.")
    parser.add_argument("other", type=Path, nargs="?", help="a checkout of this project")
    parser.add_argument("--rows", default=",".join(ROWS), help="of them: %(default)s")
    parser.add_argument("--launches", type=int, default=LAUNCHES, help="of both processes (%(default)s)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve())
    else:
        compare(options.other.resolve(), options.rows.split(","), options.launches)


if __name__ == "__main__":
    main()
