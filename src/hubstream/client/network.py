"""The way to the client's transports, and with them to aiohttp, which is imported when a connection is made and not before.

Imports `transports.client`, late. `open_connection()` waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubstream.client.life import Attach
    from hubstream.transports.client.choose import Attached
    from hubstream.transports.client.options import ClientOptions

__all__ = ["client_options", "open_connection"]


def client_options(**options: Any) -> ClientOptions:
    """Where the server is and how it is reached.

    Raises:
        ImportError: aiohttp is not installed.
        ValueError: The URL or the transports are none.
    """
    try:
        from hubstream.transports.client.options import ClientOptions  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ImportError("the client's transports need aiohttp: pip install hubstream[client]") from error
    return ClientOptions(**options)


async def open_connection(options: ClientOptions, *, binary: bool, attach: Attach) -> Attached:
    """Negotiate, choose a transport, and have the connection's handler made.

    Raises:
        NegotiateError: The server refused to negotiate, or gave no answer to it.
        TransportError: The server was not reached, or none of the transports could be opened.
    """
    from hubstream.transports.client.choose import connect  # noqa: PLC0415 - see above

    return await connect(options, binary=binary, attach=attach)
