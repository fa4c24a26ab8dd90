"""Plays recorded scenarios against a server: raw client bytes in, compared with what ASP.NET Core answered.

A scenario is `steps` on one WebSocket, or `requests` over HTTP (requests.py). A step sends frames, then waits until the
server has been quiet for a while; kept are the hub messages (pings left out), the opcodes, and how the socket ended. `seen`
is what the reference server answered; `here`, where present, is the rule by which this project may answer otherwise, and why.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from tests.interop.rawsocket import RawSocket
from tests.transcripts.requests import play_requests, same_responses

__all__ = ["Scenario", "load", "play", "verdict"]

Scenario = dict[str, Any]
Outcome = dict[str, Any]
Frame = str | dict[str, Any]
"""One WebSocket message as text, `{"text" | "bytes", "opcode", "fin"}`, or `{"pause": seconds}`."""

RS = "\x1e"
PINGS = ('{"type":6}', "9106")
QUIET = 0.25
"""Seconds of silence after which a step is over."""


def load(file: str) -> list[Scenario]:
    """The scenarios of `file`."""
    scenarios: list[Scenario] = json.loads((Path(__file__).parent / file).read_text(encoding="utf-8"))["scenarios"]
    return scenarios


async def play(url: str, scenario: Scenario) -> Outcome:
    """Play one scenario; what the server answered, in the form of its `seen`."""
    if "requests" in scenario:
        return await asyncio.to_thread(play_requests, url, scenario["requests"])
    protocol: str = scenario.get("protocol", "json")
    ws = await RawSocket.open(url, "/" + scenario.get("hub", "conformance"), tuple(scenario.get("headers", ())))
    try:
        if ws.status != 101:
            return {"status": ws.status}
        replies: list[list[str]] = []
        opcodes: list[list[int]] = []
        for step in scenario["steps"]:
            await _send(ws, step["send"])
            got, used = await _replies(ws, step, protocol)
            replies.append(got)
            opcodes.append(sorted(used))
    finally:
        ws.drop()
    outcome: Outcome = {"replies": replies, "opcodes": opcodes}
    if ws.closed:
        outcome["close"] = ws.closed._asdict()
    return _steady(outcome)


async def _send(ws: RawSocket, send: Frame | list[Frame]) -> None:
    for frame in send if isinstance(send, list) else [send]:
        if isinstance(frame, str):
            await ws.send(frame)
        elif "pause" in frame:
            await asyncio.sleep(frame["pause"])
        else:
            text: str | None = frame.get("text")
            data = bytes.fromhex(frame["bytes"]) if text is None else text
            await ws.send(data, frame.get("opcode"), fin=frame.get("fin", True))


async def _replies(ws: RawSocket, step: dict[str, Any], protocol: str) -> tuple[list[str], set[int]]:
    """What comes until the server is quiet; in a step marked `first` the handshake's reply comes first."""
    got: list[str] = []
    opcodes: set[int] = set()
    handshake: bool = step.get("first", False)
    while (received := await ws.receive(step.get("quiet", QUIET))) is not None:
        opcode, payload = received
        if handshake:
            head, _, payload = payload.partition(RS.encode())
            got.append(head.decode())
            opcodes.add(opcode)
            handshake = False
            if not payload:
                continue
        messages = [m for m in _messages(protocol, payload) if m not in PINGS]
        if messages:
            got += messages
            opcodes.add(opcode)
    return got, opcodes


def _messages(protocol: str, payload: bytes) -> list[str]:
    """The hub messages of one frame: JSON as text, MessagePack as hex without its length prefix."""
    if protocol == "json":
        if not payload.endswith(RS.encode()):
            return ["<incomplete> " + payload.decode(errors="replace")]
        return payload.decode().split(RS)[:-1]
    messages: list[str] = []
    while payload:
        size = shift = at = 0
        while True:
            size |= (payload[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not payload[at - 1] & 0x80:
                break
        messages.append(payload[at : at + size].hex())
        payload = payload[at + size :]
    return messages


def _steady(outcome: Outcome) -> Outcome:
    """Replace the server's own invocation ids, which count up."""
    text = json.dumps(outcome, ensure_ascii=False)
    steady: Outcome = json.loads(
        re.sub(r'\\"invocationId\\":\\"s\d+\\"', r'\\"invocationId\\":\\"{server id}\\"', text)
    )
    return steady


def verdict(scenario: Scenario, got: Outcome) -> bool:
    """Whether `got` is right by the scenario's rule. JSON is compared as values.

    Rules: `same` (the default), `answers` (the last step is answered, the connection lives), `other` (another answer,
    the connection lives), `order` (the same in any order), `any`.
    """
    seen: Outcome = scenario["seen"]
    rule: str = scenario.get("here", {}).get("rule", "same")
    if "requests" in scenario:
        return rule == "any" or same_responses(seen["responses"], got["responses"])
    known, here = _values(seen), _values(got)
    answered = bool(here) and "close" not in got
    match rule:
        case "any":
            return True
        case "answers":
            return answered and len(here[-1]) == 1
        case "other":
            return answered and bool(here[-1]) and known != here
        case "order":
            return [sorted(map(str, step)) for step in known] == [sorted(map(str, step)) for step in here]
        case "same":
            return known == here and all(seen.get(key) == got.get(key) for key in ("opcodes", "close", "status"))
        case _:
            raise ValueError(f"no such rule: {rule}")


def _values(outcome: Outcome) -> list[list[Any]]:
    return [[_value(message) for message in step] for step in outcome.get("replies", [])]


def _value(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return message
