"""The HTTP request behind a connection, as hubs see it: a read-only view over the ASGI scope, parsed when looked at.

Imports only `types` and `user`; nothing here blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast
from urllib.parse import parse_qsl

from typing_extensions import override

from hubstream.types import Scope
from hubstream.user import User

__all__ = ["Request", "Values"]


class Values(Mapping[str, str]):
    """A read-only mapping of text to text; its keys match whatever their case, its values are as sent.

    Args:
        pairs: Names and values, in order; a name may come more than once.
        joint: What joins the values of one name; without it the last one counts.
    """

    __slots__ = ("_joint", "_values")

    def __init__(self, pairs: Iterable[tuple[str, str]], joint: str | None = None) -> None:
        self._values: dict[str, tuple[str, list[str]]] = {}
        self._joint = joint
        for name, value in pairs:
            self._values.setdefault(name.lower(), (name, []))[1].append(value)

    @override
    def __getitem__(self, name: str) -> str:
        values = self._values[name.lower()][1]
        return values[-1] if self._joint is None else self._joint.join(values)

    def all(self, name: str) -> list[str]:
        """Every value sent under this name, in order; empty if there is none."""
        return list(self._values.get(name.lower(), ("", ()))[1])

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    @override
    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._values.values())

    @override
    def __len__(self) -> int:
        return len(self._values)

    @override
    def __repr__(self) -> str:
        """The names only: values may be secrets."""
        return f"<{', '.join(self)}>"


class Request:
    """The request a connection began with."""

    __slots__ = ("_cookies", "_headers", "_query", "_scope", "user")

    def __init__(self, scope: Scope, user: User | None = None) -> None:
        self._scope = scope
        self.user = user
        """Who sent it: the user of `authenticate=`, or, without that, of the framework; None for an anonymous one."""
        self._headers: Values | None = None
        self._query: Values | None = None
        self._cookies: dict[str, str] | None = None

    @property
    def scope(self) -> Scope:
        """The ASGI scope, as the application got it."""
        return self._scope

    @property
    def path(self) -> str:
        """The decoded path, as the application got it."""
        return cast(str, self._scope["path"])

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of the peer, if the server tells."""
        client = self._scope.get("client")
        return None if client is None else (client[0], client[1])

    @property
    def headers(self) -> Values:
        """The headers, whatever the case of their names; those sent several times are joined by a comma."""
        if self._headers is None:
            raw = cast("Iterable[tuple[bytes, bytes]]", self._scope.get("headers", ()))
            self._headers = Values(((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw), ", ")
        return self._headers

    @property
    def query(self) -> Values:
        """The query, decoded, whatever the case of its names; of a name sent several times the last value counts."""
        if self._query is None:
            raw = cast(bytes, self._scope.get("query_string", b""))
            self._query = Values(parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if raw else ())
        return self._query

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies, values as sent but for quotes around them."""
        if self._cookies is None:
            cookies: dict[str, str] = {}
            # HTTP/2 sends a header line for each cookie.
            for part in ";".join(self.headers.all("cookie")).split(";"):
                name, equals, value = part.partition("=")
                if equals:
                    value = value.strip()
                    quoted = len(value) > 1 and value[0] == value[-1] == '"'
                    cookies[name.strip()] = value[1:-1] if quoted else value
            self._cookies = cookies
        return self._cookies

    @property
    def token(self) -> str | None:
        """The access token of the header `Authorization: Bearer`, else of the query's `access_token`."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
        return self.query.get("access_token") or None

    def forget(self) -> None:
        """Drop what was parsed, 1.9 KB that no connection has to keep; it is parsed again when it is looked at."""
        self._headers = self._query = self._cookies = None

    @override
    def __repr__(self) -> str:
        """Without query, headers and cookies: they may hold secrets."""
        return f"<Request {self._scope['type']} {self.path}>"
