"""`python -m tests.interop.payloads`: serve the rows until SIGTERM, on a free port.

It prints `listening on URL` when it is up; the log, with what did not fit, goes to standard error.
"""

from __future__ import annotations

import logging
import socket
import sys

import uvicorn
from typing_extensions import override

from tests.interop.payloads.hub import server


class _Announcing(uvicorn.Server):
    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write("listening on http://{}:{}\n".format(*self.servers[0].sockets[0].getsockname()[:2]))
            sys.stdout.flush()


logging.basicConfig(level=logging.INFO)
_Announcing(uvicorn.Config(server(), host="127.0.0.1", port=0, log_level="warning")).run()
