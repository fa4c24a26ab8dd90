"""The driver of Microsoft's Java client: its build, what it knows, what it says of a server.

Everything here blocks: it runs Maven and Java in processes of their own and waits for them, for a bounded time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.javascript import LINE, Result, Results

__all__ = ["GAPS", "OWN", "Driver", "driver"]

FOLDER = Path(__file__).parent / "java"
TARGET = FOLDER / "target"

BUILD = 300.0
"""Seconds Maven may take: it fetches the client, what it needs, and Maven's own plugins."""

RUN = 180.0
"""Seconds one transport may take: it needs 10."""

OWN = (FOLDER / "checks.txt").read_text(encoding="utf-8").split()
"""Checks of this client's own ways, which no other driver has."""

GAPS = {
    "js": "the calls of the documentation's JavaScript pages",
    "life.automatic_reconnect": "the client has none",
    "life.stateful_reconnect_loses_nothing": "the client has none",
}
"""The checks the driver does not have, by area or full name, and why."""


@dataclass(frozen=True)
class Driver:
    """The driver, ready to run."""

    java: str

    def names(self) -> list[str]:
        """The checks it knows."""
        listed = subprocess.run(self._command("--list"), capture_output=True, text=True, timeout=60, check=True)
        return listed.stdout.split()

    def run(self, url: str, transport: str) -> Results:
        """The result of each check, by name, of a server. A check that is missing was not reached."""
        command = self._command(url, "--transport", transport)
        try:
            run = subprocess.run(command, capture_output=True, timeout=RUN, check=False)
            output, ended = run.stdout, f"ended with {run.returncode}: {run.stderr.decode(errors='replace')[-2000:]}"
        except subprocess.TimeoutExpired as expired:
            output, ended = expired.stdout or b"", f"was not done within {RUN} s"
        matches = map(LINE.fullmatch, output.decode(errors="replace").splitlines())
        results = {m["check"]: Result(m["outcome"], m["reason"]) for m in matches if m is not None}
        assert results, f"no check was run; the driver {ended}"
        return results

    def _command(self, *arguments: str) -> list[str]:
        # The run is over before the second compiler would pay.
        options = ["-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"]
        return [self.java, *options, "-cp", f"{TARGET}/classes:{TARGET}/lib/*", "Driver", *arguments]


def driver() -> Driver:
    """The driver, built when its sources are newer; skips the test without Java and Maven, fails it in CI."""
    java, javac, maven = (shutil.which(program) for program in ("java", "javac", "mvn"))
    if java is None or javac is None or maven is None:
        missing = "the Java client's checks need a JDK from 17 on (java, javac) and Maven (mvn)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    TARGET.mkdir(exist_ok=True)
    with (TARGET / ".lock").open("w") as lock:
        # Test processes side by side build once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(maven)
    return Driver(java)


def _build(maven: str) -> None:
    """Compile the driver and copy what it runs with, unless that has been done since its sources changed."""
    built = TARGET / ".built"
    # The folder's own time changes when a source is taken away.
    sources = [FOLDER / "pom.xml", FOLDER / "src", *(FOLDER / "src").iterdir()]
    if built.exists() and built.stat().st_mtime >= max(source.stat().st_mtime for source in sources):
        return
    # Maven leaves classes whose source is gone, and libraries of another version.
    for folder in ("classes", "lib"):
        shutil.rmtree(TARGET / folder, ignore_errors=True)
    command = [maven, "-q", "-B", "compile", "dependency:copy-dependencies"]
    build = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=BUILD, check=False)
    assert build.returncode == 0, f"{' '.join(command)}:\n{build.stdout[-4000:]}\n{build.stderr[-2000:]}"
    built.touch()
