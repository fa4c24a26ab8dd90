"""The files the load generator sends: whole records of both protocols; `######` becomes the invocation id."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["write_payloads"]

END = "\x1e"


def _invocation(kind: int, target: str, arguments: str) -> str:
    return f'{{"type":{kind},"invocationId":"######","target":"{target}","arguments":{arguments}}}{END}'


def _text(value: str) -> bytes:
    return bytes([0xA0 | len(value)]) + value.encode()


def _call(kind: int, target: str, arguments: bytes) -> bytes:
    record = b"\x96" + bytes([kind]) + b"\x80" + _text("######") + _text(target) + arguments + b"\x90"
    return bytes([len(record)]) + record


def _json() -> dict[str, str]:
    item = f'{{"type":2,"invocationId":"s1","item":7}}{END}'
    files = {
        "json-handshake": f'{{"protocol":"json","version":1}}{END}',
        "json-sum": f'{{"type":1,"invocationId":"9","target":"Sum","arguments":[],"streamIds":["s1"]}}{END}',
        "json-sum-end": f'{{"type":3,"invocationId":"s1"}}{END}',
        "json-sum-item-1": item,
        "json-sum-item-64": item * 64,
        "json-broadcast": f'{{"type":1,"target":"Broadcast","arguments":["{" ".join(["hello"] * 8)}"]}}{END}',
    }
    for method in ("Add", "AddSync", "AddAwait"):
        files[f"json-{method}"] = _invocation(1, method, "[1,2]")
    streams = [("Counter", 100_000), ("Counter", 6_000_000), ("Objs", 100_000), ("CounterAwait", 1_000)]
    for method, count in [*streams, ("CounterChannel", 20_000)]:
        files[f"json-{method}-{count}"] = _invocation(4, method, f"[{count}]")
    return files


def _messagepack() -> dict[str, bytes]:
    return {
        "messagepack-handshake": f'{{"protocol":"messagepack","version":1}}{END}'.encode(),
        "messagepack-Add": _call(1, "Add", b"\x92\x01\x02"),
        "messagepack-Counter-100000": _call(4, "Counter", b"\x91\xce" + struct.pack(">I", 100_000)),
    }


def _floor() -> dict[str, str]:
    return {"floor-gathered": "Q2000000", "floor-single": "P200000", "floor-broadcast": "B"}


def write_payloads(folder: Path) -> None:
    """Write all of them into `folder`."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in (_json() | _floor()).items():
        (folder / name).write_text(text)
    for name, data in _messagepack().items():
        (folder / name).write_bytes(data)
