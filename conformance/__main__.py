"""`python -m conformance --port N`: serve the conformance hubs with uvicorn until SIGTERM.

It prints `listening on URL` when it is up and is quiet otherwise; the log goes to standard error.
"""

from __future__ import annotations

import argparse
import socket
import sys

import uvicorn

from conformance.app import application


class Server(uvicorn.Server):
    """uvicorn's server, which says on standard output where it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            sys.stdout.write(f"listening on http://{host}:{port}\n")
            sys.stdout.flush()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Serve the conformance hubs.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--detailed", action="store_true", help="show clients the text of every error")
    parser.add_argument("--client-timeout", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--loop", choices=["auto", "asyncio", "uvloop"], default="auto")
    parser.add_argument("--ws", default="auto", help="uvicorn's WebSocket class: a name it knows or module:Class")
    options = parser.parse_args()
    config = uvicorn.Config(
        application(detailed=options.detailed, client_timeout=options.client_timeout),
        host=options.host,
        port=options.port,
        loop=options.loop,
        ws=options.ws,
        log_level="warning",
    )
    server = Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
