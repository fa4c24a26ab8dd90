"""`python -m demo`: serve the sample with uvicorn until Ctrl-C. `make demo` installs what it needs first."""

from __future__ import annotations

import argparse
import os
import socket
import sys

import uvicorn

from demo.app import HERE, app


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Serve the streaming sample.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    options = parser.parse_args()
    if not (HERE / "node_modules").is_dir():
        sys.exit("The page's libraries are not installed: run `make demo`, or `npm ci` in the demo folder.")
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        why, other = os.strerror(error.errno or 0), options.port + 1
        sys.exit(f"Port {options.port} cannot be used ({why}). Another one: make demo PORT={other}")
    host, port = listener.getsockname()[:2]
    print(f"The streaming sample is on http://{host}:{port} (Ctrl-C stops it)", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        print("Stopped.")


if __name__ == "__main__":
    main()
