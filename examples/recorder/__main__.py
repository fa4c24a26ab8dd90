"""Record any hub's stream as JSON Lines, for as long as it lasts, over every loss of the connection.

    uvicorn examples.recorder.feed:app                                  # a hub to try it on
    python -m examples.recorder http://127.0.0.1:8000/prices prices TEA --after 2:number --out tea.jsonl

A line for each item: {"at": "2026-11-26T13:30:00.125Z", "item": ...}. A connection that is lost is tried again until it is
there; then the stream is asked for anew, and a line tells of the gap, in seconds: {"at": ..., "gap": 2.5, "why": "..."}. With
--after the hub is told where to go on: then nothing is missing, if it keeps what it has sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from hubstream import HubConnection, HubstreamError, RetryContext


def main() -> None:
    """Parse the command line and record until Ctrl-C or the end of the stream."""
    text, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m examples.recorder",
        description=text,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="the hub's, such as https://example.com/hubs/prices")
    parser.add_argument("method", help="the hub method that streams")
    parser.add_argument("arguments", nargs="*", type=value, help="what it is asked with: JSON, or a word as it is")
    parser.add_argument("--out", type=Path, help="the file it is appended to (default: the terminal)")
    parser.add_argument(
        "--after",
        type=place,
        metavar="N[:MEMBER]",
        help="asked again, argument N is the last item, or that member of it",
    )
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        try:
            with options.out.open("a", encoding="utf-8") if options.out else nullcontext(sys.stdout) as out:
                asyncio.run(record(options.url, options.method, options.arguments, options.after, out))
        except (HubstreamError, OSError, ValueError) as error:
            sys.exit(f"recorder: {error}")


async def record(url: str, method: str, arguments: Sequence[Any], after: tuple[int, str] | None, out: TextIO) -> None:
    """Write a line for each item and each gap."""
    connection = HubConnection(url, reconnect=for_ever, stream_buffer=1_000)
    lost, why = datetime.now(UTC), ""

    @connection.on_reconnecting
    def reconnecting(error: Exception | None) -> None:
        nonlocal lost, why
        lost, why = datetime.now(UTC), str(error or "the server closed the connection")
        print(f"recorder: {why} Trying again.", file=sys.stderr)

    def again(last: Any) -> Sequence[Any]:
        """Called when the stream is asked for again; all that had come before the loss has been written."""
        write(out, gap=round((datetime.now(UTC) - lost).total_seconds(), 3), why=why)
        return arguments if after is None else going_on(arguments, after, last)

    async with connection:
        async for item in connection.stream(method, *arguments, resume=again):
            write(out, item=item)


def write(out: TextIO, **members: Any) -> None:
    """A line, which is in the file when this returns."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    out.write(json.dumps({"at": at, **members}, ensure_ascii=False) + "\n")
    out.flush()


def going_on(arguments: Sequence[Any], after: tuple[int, str], last: Any) -> Sequence[Any]:
    """The arguments to ask with again."""
    position, member = after
    if member and not (isinstance(last, dict) and member in last):
        raise ValueError(f"--after: the last item has no member '{member}': {last!r}")
    changed = list(arguments) + [None] * (position - len(arguments))
    changed[position - 1] = last[member] if member else last
    return changed


def for_ever(context: RetryContext) -> float:
    """Attempts after 0.5, 1, 2, ... and then every 30 seconds."""
    return min(30.0, 2.0 ** (min(context.previous_retry_count, 6) - 1))


def value(text: str) -> Any:
    """An argument of the command line: JSON, or a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def place(text: str) -> tuple[int, str]:
    """Which argument, and which member of the last item."""
    number, _, member = text.partition(":")
    if not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not like 2 or 2:number")
    return int(number), member


if __name__ == "__main__":
    main()
