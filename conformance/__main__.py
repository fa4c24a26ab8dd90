"""`python -m conformance --port N [--server NAME]`: serve the conformance hubs until SIGTERM.

It prints `listening on URL` when it is up and is quiet otherwise; the log goes to standard error.
"""

from __future__ import annotations

import argparse

from conformance.servers import SERVERS, Settings


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Serve the conformance hubs.")
    parser.add_argument("--server", choices=SERVERS, default="uvicorn")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--detailed", action="store_true", help="show clients the text of every error")
    parser.add_argument("--client-timeout", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--loop", choices=["auto", "asyncio", "uvloop"], default="auto")
    parser.add_argument("--ws", default="auto", help="uvicorn's WebSocket class: a name it knows or module:Class")
    options = vars(parser.parse_args())
    serve = SERVERS[options.pop("server")]
    serve(Settings(**options))


if __name__ == "__main__":
    main()
