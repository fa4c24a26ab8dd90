"""Which pages may open a WebSocket.

CORS does not cover WebSockets: any page may open one, and the browser adds this host's cookies to it. So one that carries cookies
and comes from another host is refused, unless its origin is listed. Imports nothing else of the package; does not block.
"""

from __future__ import annotations

from hubstream.transports.asgi.request import Request

__all__ = ["allowed", "normal"]

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def normal(origin: str) -> str:
    """`origin` as browsers write it: lower case, without its scheme's own port and without a slash at the end."""
    origin = origin.lower().rstrip("/")
    port = _DEFAULT_PORTS.get(origin.partition(":")[0])
    return origin.removesuffix(port) if port else origin


def allowed(request: Request, listed: frozenset[str]) -> bool:
    """Whether this WebSocket may be opened.

    Args:
        request: Its request.
        listed: Origins that may, in their normal form, whatever they carry.
    """
    headers = request.headers
    origin = headers.get("origin")
    if origin is None or not headers.get("cookie"):
        return True
    origin = normal(origin)
    if origin in listed:
        return True
    scheme = origin.partition(":")[0]
    # The scheme before a proxy that ends TLS is not known here, so the origin's own decides which port goes without saying.
    return origin == normal(f"{scheme}://{headers.get('host', '')}")
