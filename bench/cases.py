"""What is measured: each case as the load generator is asked for it, and the C program's work that is its floor."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "Case", "Load"]


@dataclass(frozen=True)
class Load:
    """One run of `wsload`: a mode, and its keys (`wsload.c` explains them)."""

    mode: str
    keys: dict[str, str]
    protocol: str | None = None
    """`json` or `messagepack`: sends the hub handshake and counts records. None counts frames, for the floor."""

    def arguments(self, *, payloads: str, seconds: float, deflate: bool) -> list[str]:
        """The command line after the mode, port and path."""
        files = {key: f"{payloads}/{value}" for key, value in self.keys.items() if key in {"file", "head", "tail"}}
        keys = {"dur": f"{seconds}", "warm": "0.3"} | self.keys | files
        if self.protocol:
            keys |= {"hs": f"{payloads}/{self.protocol}-handshake"}
            keys |= {"count": "msgpack", "bin": "1"} if self.protocol == "messagepack" else {"count": "json"}
        return [f"{key}={value}" for key, value in keys.items()] + (["deflate=1"] if deflate else [])


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    title: str
    load: Load
    floor: Load | None = None
    unit: str = "µs"
    """Server CPU microseconds an item; `KB`: memory that one such load adds."""
    method: str = "Add"
    """The hub method that is called; servers may lack some."""
    later: bool = False
    """Only run when it is asked for by name."""


def _call(method: str, protocol: str = "json", **keys: str) -> Load:
    return Load("echo", {"file": f"{protocol}-{method}"} | keys, protocol)


def _echo(file: str = "json-Add", **keys: str) -> Load:
    return Load("echo", {"file": file} | keys)


def _stream(method: str, count: int, protocol: str = "json", **keys: str) -> Load:
    # One item more: the completion.
    return Load("push", {"file": f"{protocol}-{method}-{count}", "n": str(count + 1), "reps": "5"} | keys, protocol)


def _upload(per_frame: int, count: int) -> Load:
    keys = {"head": "json-sum", "file": f"json-sum-item-{per_frame}", "tail": "json-sum-end"}
    return Load("upload", keys | {"n": str(count), "k": str(per_frame), "reps": "4"}, "json")


FLOOR_GATHERED = Load("push", {"file": "floor-gathered", "n": "2000000", "reps": "3"})
FLOOR_SINGLE = Load("push", {"file": "floor-single", "n": "200000", "reps": "3"})
MANY = {"conns": "50"}
MANY_PIPELINED = {"conns": "50", "window": "20"}

CASES = {
    case.name: case
    for case in (
        Case("inv1", "call, 1 connection", _call("Add"), _echo()),
        Case("inv50", "call, 50 connections", _call("Add", **MANY), _echo(**MANY)),
        Case("awinv50", "call that suspends, 50", _call("AddAwait", **MANY), _echo(**MANY), method="AddAwait"),
        Case("pipe1", "100 calls in flight", _call("Add", window="100"), _echo(window="100")),
        Case("pipe50", "50 x 20 calls in flight", _call("Add", **MANY_PIPELINED), _echo(**MANY_PIPELINED)),
        Case(
            "pipe50mp",
            "the same, MessagePack",
            _call("Add", "messagepack", **MANY_PIPELINED),
            _echo("messagepack-Add", bin="1", **MANY_PIPELINED),
        ),
        Case(
            "await50",
            "50 x 20 calls that suspend",
            _call("AddAwait", **MANY_PIPELINED),
            _echo(**MANY_PIPELINED),
            method="AddAwait",
        ),
        Case("stream", "stream of ints", _stream("Counter", 100_000), FLOOR_GATHERED, method="Counter"),
        Case("streammp", "the same, MessagePack", _stream("Counter", 100_000, "messagepack"), method="Counter"),
        Case("objs", "stream of 3-field objects", _stream("Objs", 100_000), method="Objs"),
        Case(
            "saw50",
            "50 streams, each item suspends",
            _stream("CounterAwait", 1_000, conns="50", reps="4"),
            FLOOR_SINGLE,
            method="CounterAwait",
        ),
        Case("chan", "channel of 64, a task writes", _stream("CounterChannel", 20_000), method="CounterChannel"),
        Case("up1", "upload, 1 item a frame", _upload(1, 64_000), method="Sum"),
        Case("up64", "upload, 64 items a frame", _upload(64, 192_000), method="Sum"),
        Case(
            "fan1000",
            "fan-out to 1,000, each",
            Load("fanout", {"file": "json-broadcast", "conns": "1000", "reps": "25"}, "json"),
            Load("fanout", {"file": "floor-broadcast", "conns": "1000", "reps": "25"}),
            method="Broadcast",
        ),
        Case(
            "idle",
            "idle connection",
            Load("idle", {"file": "json-Add", "conns": "3000", "dur": "4"}, "json"),
            unit="KB",
        ),
        Case(
            "stall",
            "client that does not read, 270 MB",
            Load("stall", {"file": "json-Counter-6000000", "dur": "5"}, "json"),
            unit="KB",
            method="Counter",
        ),
    )
}
