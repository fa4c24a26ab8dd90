"""The drivers of the .NET and the JavaScript client: compiled where that is needed, run, and what they say.

Everything here blocks: processes of their own, waited for for a bounded time.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.interop import javascript

__all__ = ["Results", "compile_dotnet", "run_dotnet", "run_javascript"]

HERE = Path(__file__).parent

COMPILE = 120.0
"""Seconds the compiler may take, which unpacks its runtime first: it needs 2."""

RUN = 120.0
"""Seconds a driver may take: it needs 7."""

Results = dict[tuple[str, str, str], dict[str, Any]]
"""By style, protocol and row: what was said of it; under `own` nothing, or what went wrong."""


def compile_dotnet(shared: Path, folder: Path) -> Path:
    """The .NET driver, compiled into `folder` beside the client's libraries."""
    libraries = shared / "dotnet" / "client" / "bin"
    shutil.copytree(libraries, folder, dirs_exist_ok=True)
    program = folder / "payloads.dll"
    shutil.copy(folder / "signalr-conformance.runtimeconfig.json", program.with_suffix(".runtimeconfig.json"))
    command = [shared / "dotnet" / "compile", program, libraries, *sorted((HERE / "dotnet").glob("*.cs"))]
    compiler = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE, check=False)
    assert compiler.returncode == 0, f"the compiler says:\n{compiler.stdout[-4000:]}\n{compiler.stderr[-2000:]}"
    return program


def run_dotnet(shared: Path, program: Path, url: str) -> Results:
    """What the .NET client says."""
    return _run([shared / "dotnet" / "run", program, url])


def run_javascript(url: str) -> Results:
    """What the JavaScript client says; skips the test without Node, fails it in CI."""
    return _run([javascript.node(javascript.FOLDER), HERE / "js" / "driver.mjs", f"{url}/"])


def _run(command: list[str | Path]) -> Results:
    driver = subprocess.run(command, capture_output=True, timeout=RUN, check=False)
    lines = [json.loads(line) for line in driver.stdout.splitlines() if line.startswith(b"{")]
    # It ends with something else when a connection did not live to the end of its rows.
    assert driver.returncode == 0, (
        f"the driver ended with {driver.returncode}: {driver.stderr.decode(errors='replace')[-2000:]}"
    )
    return {(line["style"], line["protocol"], line["row"]): line["result"] for line in lines}
