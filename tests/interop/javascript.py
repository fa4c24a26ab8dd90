"""The driver of Microsoft's JavaScript client: its packages, what it knows, what it says of a server.

Everything here blocks: it runs Node in a process of its own and waits for it, for a bounded time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.checks import Combination

__all__ = ["FOLDER", "Driver", "Result", "Results", "driver", "node"]

FOLDER = Path(__file__).parent / "js"
"""The driver's modules and packages."""

INSTALL = 300.0
"""Seconds `npm ci` may take: it fetches 22 packages."""

RUN = 240.0
"""Seconds one combination may take: it needs 20, of which 5 are the documentation's counter."""

LINE = re.compile(r"(?P<outcome>ok|FAIL|skip) (?P<on>\w+/\w+) (?P<check>\w+\.\w+) \(\d+ ms\) ?(?P<reason>.*)")


@dataclass(frozen=True)
class Result:
    """What the driver says of one check."""

    outcome: str
    """`ok`, `FAIL` or `skip`."""
    reason: str


Results = dict[str, Result]
"""By the name of the check."""


@dataclass(frozen=True)
class Driver:
    """The driver, ready to run."""

    node: str

    def names(self) -> list[str]:
        """The checks it knows."""
        return subprocess.run(
            [self.node, "driver.mjs", "--list"], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=True
        ).stdout.split()

    def run(self, url: str, combination: Combination) -> Results:
        """The result of each check, by name, of a server. A check that is missing was not reached."""
        choice = ["--transport", combination.transport, "--protocol", combination.protocol]
        command = [self.node, "driver.mjs", url, *choice]
        try:
            run = subprocess.run(command, cwd=FOLDER, capture_output=True, timeout=RUN, check=False)
            output, ended = run.stdout, f"ended with {run.returncode}: {run.stderr.decode(errors='replace')[-2000:]}"
        except subprocess.TimeoutExpired as expired:
            output, ended = expired.stdout or b"", f"was not done within {RUN} s"
        matches = map(LINE.fullmatch, output.decode(errors="replace").splitlines())
        results = {m["check"]: Result(m["outcome"], m["reason"]) for m in matches if m is not None}
        assert results, f"no check was run; the driver {ended}"
        return results


def driver() -> Driver:
    """The driver, ready to run; skips the test without Node, fails it in CI."""
    return Driver(node(FOLDER))


def node(folder: Path) -> str:
    """The path of Node, with the packages of `folder` installed as its lock file says; skips without, fails in CI."""
    # `make test` puts a Node of its own beside Python where the machine has none.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        missing = (
            f"no {'node' if node is None else 'npm'}: the JavaScript client's checks need Node 20 or newer with npm"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    # npm writes it last, so it is there when everything is.
    installed = folder / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (folder / "package-lock.json").stat().st_mtime:
        environment = {**os.environ, "PATH": path}
        npm_ci = subprocess.run(
            [npm, "ci"], cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL, check=False
        )
        assert npm_ci.returncode == 0, f"npm ci:\n{npm_ci.stderr[-2000:]}"
    return node
