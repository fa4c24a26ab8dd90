"""Compile the load generator and the floor into `bench/build/`, when a source is newer than its program."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["BUILD", "build"]

HERE = Path(__file__).parent
BUILD = HERE / "build"


def _outdated(program: Path, sources: list[Path]) -> bool:
    return not program.exists() or program.stat().st_mtime < max(source.stat().st_mtime for source in sources)


def _compile(program: Path, sources: list[Path], *flags: str) -> str:
    """Return what the compiler complained about; empty when it succeeded."""
    inputs = [str(source) for source in sources if source.suffix == ".c"]
    command = ["gcc", "-O2", "-Wall", "-Wextra", "-o", str(program), *inputs, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr or "gcc failed" if done.returncode else ""


def build() -> None:
    """Bring the programs up to date. Without zlib's headers the load generator cannot offer permessage-deflate."""
    BUILD.mkdir(exist_ok=True)
    load = [HERE / "wsload.c", HERE / "wsclient.c", HERE / "wsclient.h"]
    floor = [HERE / "wsfloor.c"]
    errors = ""
    if _outdated(BUILD / "wsload", load) and _compile(BUILD / "wsload", load, "-DWITH_ZLIB", "-lz"):
        print("no zlib headers (zlib1g-dev): the permessage-deflate column will be empty")
        errors = _compile(BUILD / "wsload", load)
    if _outdated(BUILD / "wsfloor", floor):
        errors += _compile(BUILD / "wsfloor", floor)
    if errors:
        raise SystemExit(errors)
