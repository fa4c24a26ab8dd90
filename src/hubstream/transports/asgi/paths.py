"""Finding an endpoint's path in what servers and frameworks make of a URL.

A mount leaves the whole path and adds its prefix to `root_path`, or strips the prefix; a server prepends its own `root_path`
to the path, or does not, so that `root_path` may be no prefix of the path at all. Imports only `types`; does not block.
"""

from __future__ import annotations

import re
from collections.abc import Container

from hubstream.types import Scope

__all__ = ["candidates", "find", "normal"]

_SLASHES = re.compile("//+")


def normal(path: str) -> str:
    """`path` with one slash in front, none at the end and none doubled; the root is empty."""
    path = _SLASHES.sub("/", path).strip("/")
    return f"/{path}" if path else ""


def candidates(scope: Scope) -> list[str]:
    """What may be the path below the application, longest first.

    It is the path itself, or the path without a prefix that ends `root_path`: behind a proxy that strips `/api`, a mount at
    `/hubs` gives root path `/api/hubs` and path `/hubs/clock`.
    """
    path, root = normal(scope["path"]), normal(scope.get("root_path") or "")
    found = [path]
    start = len(root)
    while (start := root.rfind("/", 0, start)) >= 0:
        mount = root[start:]
        if path == mount or path.startswith(f"{mount}/"):
            found.append(path[len(mount) :])
    return found


def find(scope: Scope, endpoints: Container[str]) -> tuple[str, str] | None:
    """The endpoint a request is for: its path, and what follows it, `""` or `"/negotiate"`; the longest path that fits.

    Args:
        scope: The request's.
        endpoints: The paths there are, in their normal form.
    """
    for path in candidates(scope):
        if path in endpoints:
            return path, ""
        head, slash, tail = path.rpartition("/")
        if slash and tail == "negotiate" and head in endpoints:
            return head, "/negotiate"
    return None
