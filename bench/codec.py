"""`python -m bench.codec`: nanoseconds a message for both codecs.

Thread CPU time, the median of seven rounds. The second column is `msgspec` reading the same record into plain Python
objects, with one call: what any codec costs at least about.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from hubstream.protocol.codec import Codec
from hubstream.protocol.framing import split_binary, split_text
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec
from hubstream.protocol.messages import Completion, HubMessage, Invocation, StreamInvocation, StreamItem

ROUNDS = 7
MILLISECONDS = 40  # a round
BATCH = 64  # records a frame


def nanoseconds(work: Callable[[], object], per: int = 1) -> float:
    """CPU time of one of the `per` things that `work` does."""
    work()
    count = 1
    while True:  # how many make a round
        start = time.thread_time_ns()
        for _ in range(count):
            work()
        spent = time.thread_time_ns() - start
        if spent > MILLISECONDS * 250_000:
            break
        count *= 2
    count = max(1, int(count * MILLISECONDS * 1_000_000 / spent))
    rounds = []
    for _ in range(ROUNDS):
        start = time.thread_time_ns()
        for _ in range(count):
            work()
        rounds.append((time.thread_time_ns() - start) / count / per)
    return statistics.median(rounds)


def _messages(encode: Callable[[Any], bytes]) -> dict[str, HubMessage]:
    return {
        "Invocation": Invocation(invocation_id="100000", target="Add", arguments=msgspec.Raw(encode([1, 2]))),
        "StreamInvocation": StreamInvocation(
            invocation_id="100000", target="Counter", arguments=msgspec.Raw(encode([100_000]))
        ),
        "StreamItem, int": StreamItem(invocation_id="100000", item=msgspec.Raw(encode(7))),
        "StreamItem, 100 characters": StreamItem(invocation_id="100000", item=msgspec.Raw(encode("x" * 100))),
        "Completion": Completion(invocation_id="100000", result=msgspec.Raw(encode(3))),
    }


def _decoding(codec: Codec, record: bytes) -> tuple[float, float]:
    """Of the codec, and of msgspec reading the same record into Python objects."""
    decode = codec.decode
    plain = msgspec.msgpack.decode if codec.binary else msgspec.json.decode
    return nanoseconds(lambda: decode(record)), nanoseconds(lambda: plain(record))


def report(codec: Codec) -> list[tuple[str, str, str]]:
    """Rows: what, nanoseconds, nanoseconds of msgspec alone."""
    encode = msgspec.msgpack.encode if codec.binary else msgspec.json.encode
    split = split_binary if codec.binary else split_text
    rows = []
    for name, message in _messages(encode).items():
        framed = codec.encode(message)
        [record], taken = split(framed, None)
        assert taken == len(framed)
        ours, plain = _decoding(codec, record)
        rows.append((f"decode {name}", f"{ours:.0f}", f"{plain:.0f}"))
        rows.append((f"encode {name}", f"{nanoseconds(lambda message=message: codec.encode(message)):.0f}", ""))
    frame = codec.encode(_messages(encode)["Invocation"]) * BATCH
    rows.append((f"split, {BATCH} a frame", f"{nanoseconds(lambda: split(frame, 1 << 20), BATCH):.0f}", ""))
    three = encode(3)
    rows.append(("result (a Completion)", f"{nanoseconds(lambda: codec.result('100000', three)):.0f}", ""))
    items, payloads = codec.items("100000"), [encode(n) for n in range(BATCH)]
    rows.append((f"items.join, {BATCH} ints", f"{nanoseconds(lambda: items.join(payloads), BATCH):.0f}", ""))
    return rows


def main() -> None:
    for codec in (JsonCodec(), MessagePackCodec()):
        print(f"\n{codec.name}, ns a message | codec | msgspec to plain objects")
        for row in report(codec):
            print(" | ".join(row))


if __name__ == "__main__":
    main()
