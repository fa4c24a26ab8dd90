"""Whole programs with a blocking connection: how they end, Ctrl-C, forks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.blocking.served import LIMIT, heard

BEGIN = """
import atexit, os, signal, sys, threading, time
late = []
atexit.register(lambda: [function() for function in late])  # before the connections' own hook, so it is called after it
from hubstream import ConnectionLost
from hubstream.blocking import HubConnection
connection = HubConnection(sys.argv[1])
"""


@contextmanager
def program(text: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """A program while the block runs; it is killed if it has not ended in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + text, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ends(text: str, url: str, *, within: float = LIMIT) -> str:
    """What a program prints; it has to end by itself, with nothing to complain of."""
    with program(text, url) as process:
        output, errors = process.communicate(timeout=within)
        assert (process.returncode, errors) == (0, "")
        return output


def test_at_its_end_the_connection_is_stopped(url: str) -> None:
    text = """
def call():
    print(connection.state)
    connection.stop()
    try:
        connection.invoke("add", 1, 2)
    except ConnectionLost as error:
        print(error)
late.append(call)
connection.start()
print(connection.invoke("add", 1, 2))
"""
    assert ends(text, url) == "3\nDisconnected\nthe program is ending, and its connections have ended\n"
    assert heard("gone")


def test_functions_that_do_not_end_do_not_hold_up_its_end(url: str) -> None:
    text = """
import logging
logging.disable()  # a handler that is slow is worth a line, which comes or does not
inside = threading.Event()
def hangs(text):
    inside.set()
    time.sleep(60)
def numbers():
    yield 1
    time.sleep(60)
connection.on("hangs", hangs)
connection.start()
connection.send("total", numbers())
connection.invoke("say", "hangs", ["a"])
inside.wait(10)
def waits():
    try:
        connection.invoke("wait")
    except ConnectionLost as error:
        print(error)
threading.Thread(target=waits, daemon=True).start()
"""
    began = time.monotonic()
    assert ends(text, url, within=20) in {"", "Invocation canceled due to the underlying connection being closed.\n"}
    assert time.monotonic() - began < 10


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize(
    ("call", "ended"),
    [
        ("connection.invoke('wait')", "cancelled"),
        ("for n in connection.stream('rare'): print(n, flush=True)", "stopped"),
    ],
)
def test_ctrl_c_ends_the_wait_and_cancels(url: str, call: str, ended: str) -> None:
    text = f"""
connection.start()
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", connection.invoke("add", 1, 2))
"""
    with program(text, url) as process:
        if ended == "cancelled":
            assert heard("waiting")
        else:
            assert process.stdout is not None
            assert process.stdout.readline() == "0\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT)
        assert (process.returncode, output, errors) == (0, "interrupted 3\n", "")
    assert heard(ended)
    assert heard("gone")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_ends_the_start(url: str) -> None:
    text = """
try:
    connection.start()
except KeyboardInterrupt:
    print(connection.state)
connection = HubConnection(sys.argv[2])
with connection:
    print(connection.state)
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(LIMIT)
        with program(text, f"http://127.0.0.1:{silent.getsockname()[1]}", url) as process:
            asking, _ = silent.accept()
            with asking:
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=LIMIT)
            assert (process.returncode, output, errors) == (0, "Disconnected\nConnected\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_ends_the_program(url: str) -> None:
    with program("with connection: connection.invoke('wait')", url) as process:
        assert heard("waiting")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert heard("cancelled")
    assert heard("gone")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_after_a_fork(url: str) -> None:
    text = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 has one for forks beside threads
connection.start()
child = os.fork()
if child == 0:
    try:
        connection.invoke("add", 1, 2)
    except RuntimeError as error:
        print("does not take its thread along" in str(error))
    with HubConnection(sys.argv[1]) as own:
        print(own.invoke("add", 1, 2))
    sys.exit(0)
print(os.waitpid(child, 0)[1], connection.invoke("add", 20, 3))
"""
    assert ends(text, url) == "True\n3\n0 23\n"
    assert heard("gone")
    assert heard("gone")
