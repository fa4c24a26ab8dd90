"""The results as a Markdown table with ratios, and as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.clients.cases import CASES
from bench.clients.programs import PROGRAMS
from bench.clients.run import Results
from bench.servers import SERVERS
from bench.table import entry, markdown, processor, ratio

__all__ = ["as_table", "write_json"]

OURS = "hubstream"


def as_table(results: Results) -> str:
    """Rows are servers, protocols and cases; columns the clients, and what ours costs beside each of the others."""
    programs = [name for name in PROGRAMS if any(name in cells for cells in results.values())]
    others = [name for name in programs if name != OURS] if OURS in programs else []
    heads = [
        "client CPU µs each",
        *(PROGRAMS[name].title for name in programs),
        *(f"{OURS} / {PROGRAMS[name].title}" for name in others if name != "uvloop"),
    ]
    lines: list[Sequence[str]] = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for (server, protocol, case), cells in results.items():
        values = [entry(cells[name], "cpu_us") if name in cells else "-" for name in programs]
        ratios = [ratio(cells.get(OURS), cells.get(name), "cpu_us") for name in others if name != "uvloop"]
        lines.append([f"{SERVERS[server].title}, {protocol}: {CASES[case].title}", *values, *ratios])
    return markdown(lines)


def write_json(results: Results, path: Path, *, rounds: int) -> None:
    """Medians, and every round behind them."""
    path.parent.mkdir(exist_ok=True)
    document = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": rounds,
        "processor": processor(),
        "python": platform.python_version(),
        "cases": {
            " ".join(row): {
                program: {
                    "median": cell.median("cpu_us"),
                    "disturbed": cell.disturbed,
                    "rounds": cell.rounds,
                    "failures": cell.failures,
                }
                for program, cell in cells.items()
                if cell.rounds or cell.failures
            }
            for row, cells in results.items()
        },
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
