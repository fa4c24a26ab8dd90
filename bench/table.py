"""The results as a Markdown table with ratios, and as JSON."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.cases import CASES
from bench.run import Cell, Results
from bench.servers import SERVERS

__all__ = ["as_tables", "entry", "markdown", "processor", "ratio", "write_json"]

RATIOS = [  # of one column to another, with the heading
    ("plain", "floor", "plain / floor"),
    ("plain", "prototype", "plain / prototype"),
    ("deflate", "plain", "deflate / plain"),
    ("plain", "aspnet", "plain / ASP.NET"),
    ("featured", "floor", "features / floor"),
    ("featured", "plain", "features / plain"),
    ("featured", "aspnet", "features / ASP.NET"),
]
BESIDE_FEATURES = ("floor", "plain", "featured", "aspnet")
"""The columns of the second table."""
PACKAGES = ("msgspec", "uvicorn", "uvloop", "websockets")


def _number(value: float) -> str:
    size = abs(value)
    digits = 3 if size < 0.1 else 2 if size < 10 else 1 if size < 100 else 0
    return f"{value:.{digits}f}"


def entry(cell: Cell, key: str) -> str:
    """A figure; `~` before what was measured on a busy machine only."""
    value = cell.median(key)
    if value is None:
        return "failed" if cell.failures else "-"
    return ("~" if cell.disturbed else "") + _number(value)


def ratio(above: Cell | None, below: Cell | None, key: str) -> str:
    """Of two medians."""
    if above is None or below is None:
        return "-"
    upper, lower = above.median(key), below.median(key)
    return f"{upper / lower:.2f}" if upper is not None and lower and lower > 0 else "-"


def _rows(results: Results) -> Iterable[tuple[str, dict[str, Cell], str]]:
    for name, cells in results.items():
        memory = CASES[name].unit == "KB"
        yield f"{name}: {CASES[name].title}{', KB' if memory else ''}", cells, "kb" if memory else "cpu_us"
    if "inv1" in results:
        yield "inv1: median latency, µs", results["inv1"], "p50_us"


def as_tables(results: Results) -> str:
    """Rows are cases, columns the servers and their ratios; `~` marks what was measured on a busy machine only.

    The hub with every feature on has a table of its own, beside those it is compared with.
    """
    servers = list(next(iter(results.values()), {}))
    tables = [[name for name in servers if name != "featured"]]
    if "featured" in servers:
        tables.append([name for name in servers if name in BESIDE_FEATURES])
    return "\n\n".join(_table(results, columns) for columns in tables if columns)


def _table(results: Results, servers: list[str]) -> str:
    about = "featured" if "featured" in servers else ""
    ratios = [it for it in RATIOS if it[0] in servers and it[1] in servers and about in {"", it[0]}]
    heads = ["server CPU µs an item", *(SERVERS[name].title for name in servers), *(it[2] for it in ratios)]
    lines: list[Sequence[str]] = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for title, cells, key in _rows(results):
        values = [entry(cells[name], key) for name in servers]
        lines.append([title, *values, *(ratio(cells.get(a), cells.get(b), key) for a, b, _ in ratios)])
    return markdown(lines)


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table with its columns aligned; the first line has the headings, the second the rule."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "| " + " | ".join(f"{text:{'<' if i == 0 else '>'}{widths[i]}}" for i, text in enumerate(line)) + " |"
        for line in lines
    )


def processor() -> str:
    """What the machine calls its processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def write_json(results: Results, path: Path, *, rounds: int) -> None:
    """Medians, and every round behind them."""
    path.parent.mkdir(exist_ok=True)
    document = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": rounds,
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "cases": {
            case: {
                server: {
                    "unit": CASES[case].unit,
                    "median": cell.median("kb" if CASES[case].unit == "KB" else "cpu_us"),
                    "disturbed": cell.disturbed,
                    "rounds": cell.rounds,
                    "failures": cell.failures,
                }
                for server, cell in cells.items()
                if cell.rounds or cell.failures
            }
            for case, cells in results.items()
        },
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
