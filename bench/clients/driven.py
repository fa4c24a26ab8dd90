"""The program around a Python client: what it is told on standard input, and what it answers.

A line names a case and a count. The answer is one line of JSON: the process's CPU microseconds an item, of all its threads, from
when the connection is up to when the work is done; or an error. It connects anew for each line, so that nobody has to ping
meanwhile. Imports the standard library only: the other clients live in an environment of their own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

__all__ = ["Clock", "drive"]


class Clock:
    """Of the measured part."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._begin = self._began = 0

    def start(self) -> None:
        """The connection is up."""
        self._begin, self._began = time.process_time_ns(), time.perf_counter_ns()

    def stop(self) -> dict[str, float]:
        """The work is done."""
        cpu, wall = time.process_time_ns() - self._begin, time.perf_counter_ns() - self._began
        return {"cpu_us": cpu / 1_000 / self._count, "per_second": self._count * 1e9 / wall}


def drive(work: Callable[[str, str, str, int], dict[str, float]]) -> None:
    """Do what is asked until the end of standard input.

    Args:
        work: Is given the hub's URL, the protocol, the case and the count, and returns what its `Clock` says.
    """
    url, protocol = sys.argv[1:3]
    for line in sys.stdin:
        case, count = line.split()
        try:
            answer: dict[str, object] = dict(work(url, protocol, case, int(count)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
