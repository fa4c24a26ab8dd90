"""One of several worker processes on one port: `python -m tests.transports.asgi.worker PORT [SECRET]`; prints its port.

Its hub, and a header of its answers, tell its process id.
"""

from __future__ import annotations

import os
import socket
import sys

import uvicorn

from hubstream import Hub, HubServer
from hubstream.types import Message, Receive, Scope, Send


class Worker(Hub):
    def pid(self) -> int:
        return os.getpid()


def main() -> None:
    port, *secret = sys.argv[1:]
    hubs = HubServer({"/worker": Worker}, secret=secret[0] if secret else None)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-worker", b"%d" % os.getpid()))
            await send(message)

        await hubs(scope, receive, signed)

    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("127.0.0.1", int(port)))
        sock.listen()
        sys.stdout.write(f"{sock.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", loop="asyncio")).run(sockets=[sock])


if __name__ == "__main__":
    main()
