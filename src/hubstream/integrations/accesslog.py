"""Tokens in the access logs of ASGI servers, masked before they are written.

A browser can send the token of a WebSocket or an event stream in the URL only, as `access_token`, and every request names its
connection by a secret, `id` (spec 1.8); the servers' access logs show URLs whole. Imports `logging` only; does not block.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final, cast

from typing_extensions import override

__all__ = ["LOGGERS", "MaskTokens", "mask_tokens"]

LOGGERS: Final = (
    "uvicorn.access",
    "uvicorn.error",  # where it tells of WebSockets, with their URLs
    "gunicorn.access",
    "hypercorn.access",
    "granian.access",
)
"""Where servers log URLs."""

_SECRETS: Final = re.compile(r"""(?<![^?&\s"'])(access_token|id)=[^&\s"]*""", re.IGNORECASE)

_BEARER: Final = re.compile(r"""\b(bearer )[^\s"',]+""", re.IGNORECASE)
"""In the headers, which uvicorn shows at level DEBUG."""


class MaskTokens(logging.Filter):
    """A filter that lets every record pass, with `***` for the values of `access_token` and `id` in URLs and queries, and for
    bearer tokens in headers.

    For a logger, or for a handler: `"filters": {"mask": {"()": "hubstream.integrations.accesslog.MaskTokens"}}` in the
    configuration of `logging.config.dictConfig`.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Mask what the record is made of; uvicorn's formatter looks at its arguments one by one."""
        args: Any = record.args
        if not args:
            record.msg = _masked(record.msg)
        elif isinstance(args, tuple):
            record.args = tuple(map(_masked, cast("tuple[object, ...]", args)))
        elif type(args) is dict:
            record.args = {name: _masked(value) for name, value in cast("dict[str, object]", args).items()}
        elif isinstance(args, dict):
            # gunicorn's and hypercorn's, made for this record; they know of headers too, which a copy would not.
            atoms = cast("dict[str, object]", args)
            for name, value in atoms.items():
                atoms[name] = _masked(value)
        return True


def mask_tokens(*loggers: str) -> None:
    """Mask connection and access tokens in what servers log of requests; once, before or after the server starts.

    Args:
        loggers: The names of more loggers that show URLs, besides `LOGGERS`.
    """
    for name in (*LOGGERS, *loggers):
        logger = logging.getLogger(name)
        if not any(isinstance(it, MaskTokens) for it in logger.filters):
            logger.addFilter(MaskTokens())


def _masked(value: object) -> object:
    return _BEARER.sub(r"\1***", _SECRETS.sub(r"\1=***", value)) if isinstance(value, str) else value
