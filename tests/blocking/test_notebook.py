"""The blocking client in a notebook: a real kernel of Jupyter's, whose main thread runs an event loop of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from tests.blocking.served import LIMIT, heard

START = 60
"""Seconds a kernel may take to start."""

Cell = Callable[[str], str]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[Any, Cell]]:
    """A kernel, and what runs a cell in it and returns what that printed."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    manager, client = start_new_kernel(startup_timeout=START)

    def cell(code: str) -> str:
        printed: list[str] = []

        def output(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = client.execute_interactive(code, output_hook=output, timeout=LIMIT)["content"]
        return "".join(printed) if reply["status"] == "ok" else f"{reply['ename']}: {reply['evalue']}"

    try:
        yield manager, cell
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_in_a_notebook(url: str, kernel: tuple[Any, Cell]) -> None:
    manager, cell = kernel
    assert (
        cell(f"from hubstream.blocking import HubConnection\nconnection = HubConnection({url!r})\nconnection.start()")
        == ""
    )
    assert cell("import asyncio\nprint(asyncio.get_running_loop().is_running())") == "True\n"
    assert cell("print(connection.state, connection.invoke('add', 1, 2, result=int))") == "Connected 3\n"
    assert cell("for n in connection.stream('forever', item=int):\n    if n == 3: break\nprint(n)") == "3\n"
    assert heard("stopped")
    assert cell("print(connection.invoke('total', (n for n in range(10)), result=int))") == "45\n"
    assert (
        cell("connection.on('answer', lambda question: question.upper())\nprint(connection.invoke('ask', 'a'))")
        == "A\n"
    )

    assert cell("async def later(): return connection.invoke('add', 2, 3)\nprint(await later())") == "5\n"

    # A cell that is run again: the connection before it is nobody's any more.
    assert cell(f"connection = HubConnection({url!r})\nconnection.start()") == ""
    assert heard("gone")

    # The kernel's button "interrupt", while a cell waits.
    def interrupt() -> None:
        heard("waiting")
        os.kill(manager.provisioner.pid, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    assert cell("connection.invoke('wait')") == "KeyboardInterrupt: "
    interrupting.join(LIMIT)
    assert heard("cancelled")
    assert cell("print(connection.invoke('add', 3, 4))") == "7\n"

    manager.shutdown_kernel()
    assert heard("gone")
