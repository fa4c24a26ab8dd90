"""hypercorn inside a program of one's own, which ends the hubs' connections before the server."""

import asyncio
import signal
from typing import Any, cast

import hypercorn.asyncio
from hypercorn.config import Config

from tests.hosts.apps import plain


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def stopped() -> None:
        await stop.wait()
        await plain.aclose()

    config = Config()
    config.bind = ["127.0.0.1:0"]
    serve = cast(Any, hypercorn.asyncio).serve  # its hints name a bare dict, and TypedDicts for messages
    await serve(plain, config, shutdown_trigger=stopped)


asyncio.run(main())
