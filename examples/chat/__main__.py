"""Chat in the terminal, in two rooms.

    uvicorn examples.chat.server:app
    python -m examples.chat ann
    python -m examples.chat bob                 # in another terminal

What you type is said in the room you are in. `/lobby` and `/kitchen` take you to a room, `/quit` or Ctrl-C out of it all.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from contextlib import suppress

from examples.chat.contract import ROOMS, ChatClient, ChatServer
from hubstream import HubConnection, HubstreamError


class Screen:
    """Shows what the server calls."""

    async def said(self, name: str, text: str) -> None:
        print(f"{name}: {text}")

    async def came(self, name: str) -> None:
        print(f"* {name} is here")

    async def left(self, name: str) -> None:
        print(f"* {name} has gone")


async def chat(url: str, name: str) -> None:
    """Chat until there is no more to read."""
    connection = HubConnection(url, reconnect=True)
    connection.implement(ChatClient)(Screen())
    server = connection.proxy(ChatServer)
    lines = read_lines()
    room = ROOMS[0]

    async def enter(wanted: str) -> None:
        nonlocal room
        there = await server.enter(name, wanted)
        room = wanted
        print(f"* in the {room}: {', '.join(there)}")

    @connection.on_reconnecting
    def lost(error: Exception | None) -> None:
        print(f"* {error or 'The server closed the connection.'} Trying again.")

    @connection.on_reconnected
    async def back(connection_id: str | None) -> None:
        await enter(room)  # a new connection is in no room

    @connection.on_close
    def closed(error: Exception | None) -> None:
        lines.put_nowait(None)

    async with connection:
        await enter(room)
        while (line := await lines.get()) is not None and line != "/quit":
            try:
                if line.startswith("/"):
                    await enter(line[1:])
                elif line:
                    await server.say(line)
            except HubstreamError as error:
                print(f"* {getattr(error, 'text', error)}")


def read_lines() -> asyncio.Queue[str | None]:
    """The lines that are typed, and None at their end. A thread of its own reads them: it would hold up everything else."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line.strip())
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def main() -> None:
    """Parse the command line and chat."""
    text, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m examples.chat",
        description=text,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="how you are called")
    parser.add_argument("--url", default="http://127.0.0.1:8000/chat", help="the hub's (default: %(default)s)")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(chat(options.url, options.name))
        except (HubstreamError, ValueError) as error:
            sys.exit(f"chat: {getattr(error, 'text', error)}")


if __name__ == "__main__":
    main()
