"""The ASGI servers that can serve the conformance hubs; each says `listening on URL` on standard output when it is up."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, cast

import uvicorn
from typing_extensions import override

from conformance.app import application
from hubstream.integrations.accesslog import mask_tokens
from hubstream.types import ASGIApp

__all__ = ["SERVERS", "Settings", "from_environment"]

ENVIRONMENT = "HUBSTREAM_CONFORMANCE"
"""Where granian's worker process finds the settings of its application."""

START = 30.0
"""Seconds granian may take to answer its port."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    loop: str = "auto"
    """`auto`, `asyncio` or `uvloop`."""
    ws: str = "auto"
    """uvicorn's WebSocket class: a name it knows or `module:Class`."""
    detailed: bool = False
    client_timeout: float = 30.0

    def application(self) -> ASGIApp:
        """The application to serve."""
        mask_tokens()
        return application(detailed=self.detailed, client_timeout=self.client_timeout)


def from_environment() -> ASGIApp:
    """The application in granian's worker process."""
    return Settings(**json.loads(os.environ[ENVIRONMENT])).application()


def _announce(host: str, port: int) -> None:
    sys.stdout.write(f"listening on http://{host}:{port}\n")
    sys.stdout.flush()


class _Uvicorn(uvicorn.Server):
    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _announce(*self.servers[0].sockets[0].getsockname()[:2])


def _uvicorn(settings: Settings) -> None:
    server = _Uvicorn(
        uvicorn.Config(
            settings.application(),
            host=settings.host,
            port=settings.port,
            loop=settings.loop,
            ws=settings.ws,
            log_level="warning",
        )
    )
    server.run()
    if not server.started:
        sys.exit(1)


def _hypercorn(settings: Settings) -> None:
    import hypercorn.asyncio  # noqa: PLC0415 - only where it is asked for
    from hypercorn.config import Config  # noqa: PLC0415

    serve = cast(Any, hypercorn.asyncio).serve  # its hints name a bare dict
    with socket.create_server((settings.host, settings.port), backlog=1024) as listener:
        config = Config()
        config.bind = [f"fd://{os.dup(listener.fileno())}"]
        config.loglevel = "warning"
        _announce(*listener.getsockname()[:2])
        factory = None
        if settings.loop == "uvloop":
            from uvloop import new_event_loop  # noqa: PLC0415

            factory = new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve(settings.application(), config))


def _granian(settings: Settings) -> None:
    from granian.constants import Interfaces, Loops  # noqa: PLC0415 - only where it is asked for
    from granian.log import LogLevels  # noqa: PLC0415
    from granian.server import Server  # noqa: PLC0415

    os.environ[ENVIRONMENT] = json.dumps(asdict(settings))
    # granian does not say which port it got: one is held for it, by a socket that does not listen.
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((settings.host, settings.port))
        host, port = held.getsockname()[:2]
        threading.Thread(target=_when_up, args=(host, port), daemon=True).start()
        Server(
            f"{__name__}:{from_environment.__name__}",
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            loop=Loops(settings.loop),
            log_level=LogLevels.warning,
            factory=True,
        ).serve()


def _when_up(host: str, port: int) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            _announce(host, port)
            return


SERVERS = {"uvicorn": _uvicorn, "hypercorn": _hypercorn, "granian": _granian}
"""By name: serves until SIGTERM."""
