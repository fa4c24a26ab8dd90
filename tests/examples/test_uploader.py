"""The uploader: a file arrives whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.examples.running import ENVIRONMENT, LIMIT, run, served, started
from tests.hosts.processes import Program


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    with served("uploader.server:app", tmp_path) as server:
        yield server


def test_a_file(server: Program, tmp_path: Path) -> None:
    file = tmp_path / "a file.bin"
    file.write_bytes(os.urandom(1_000_000))
    ran = run("uploader", f"{server.url}/files", str(file), folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"1,000,000 bytes, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
    assert (tmp_path / "uploads" / file.name).read_bytes() == file.read_bytes()
    assert len(list((tmp_path / "uploads").iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no such terminals")
@pytest.mark.parametrize(("size", "bars"), [(100_000, [0, 16, 32, 49, 65, 81, 98, 100]), (0, [100])])
def test_its_bar(server: Program, tmp_path: Path, size: int, bars: list[int]) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(size))
    shown = on_a_terminal(f"{server.url}/files", str(file))
    assert [int(line.split("]")[1].split("%")[0]) for line in shown.split("\r[")[1:]] == bars
    assert f"[{40 * '#'}] 100%  {size:,} of {size:,} bytes" in shown


def on_a_terminal(url: str, file: str) -> str:
    """What it draws."""
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "examples.uploader", url, file]
    with (
        os.fdopen(terminal, "rb", buffering=0) as screen,
        subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=end) as process,
    ):
        os.close(end)
        shown = b""
        with suppress(OSError):  # so a terminal ends
            while some := screen.read(4_096):
                shown += some
        assert process.wait(LIMIT) == 0
    return shown.decode()


async def test_ctrl_c_leaves_nothing(server: Program, tmp_path: Path) -> None:
    file = tmp_path / "endless"
    with file.open("wb") as sparse:
        sparse.truncate(50_000_000_000)
    async with started("uploader", f"{server.url}/files", str(file)) as uploader:
        folder = tmp_path / "uploads"
        await until(lambda: folder.exists() and any(part.stat().st_size for part in folder.iterdir()))
        assert await uploader.interrupt() == (1, "\nuploader: cancelled\n")
        await until(lambda: not list(folder.iterdir()))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("name", "text"), [("nothing", "No such file or directory: "), ("-.txt", "A file may not be called '-.txt' here.")]
)
def test_mistakes(server: Program, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "-.txt").touch()
    ran = run("uploader", f"{server.url}/files", "--", str(tmp_path / name), folder=tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("uploader: ")
    assert text in ran.stderr
    assert "Traceback" not in ran.stderr


def test_no_server(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run("uploader", "http://127.0.0.1:9/files", "file", folder=tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith("uploader: ")
    assert "python -m examples.uploader" in run("uploader", "--help", folder=tmp_path).stdout
