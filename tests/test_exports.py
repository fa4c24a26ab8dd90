"""What `hubstream` offers: the names, their documentation, and that importing it imports nothing that is not needed."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from itertools import pairwise
from types import FunctionType, ModuleType

import pytest

import hubstream
import hubstream.blocking
import hubstream.client
import hubstream.testing
from hubstream.connection.clock import Member
from hubstream.connection.connection import ConnectionHandler

FACADE = [
    "DOTNET",
    "PYTHON",
    "Channel",
    "ChannelClosed",
    "ChannelReader",
    "ConnectionLost",
    "Depends",
    "EndReason",
    "HandshakeError",
    "Hub",
    "HubCallerContext",
    "HubConnection",
    "HubConnectionState",
    "HubDescription",
    "HubError",
    "HubEvent",
    "HubFilter",
    "HubInvocationContext",
    "HubServer",
    "HubstreamError",
    "MappingError",
    "MethodDescription",
    "NegotiateError",
    "Notice",
    "Observer",
    "Options",
    "ParameterDescription",
    "Payloads",
    "ProtocolError",
    "Request",
    "RetryContext",
    "Subject",
    "TransportError",
    "User",
    "authorize",
    "hub_method",
]
"""In the linter's order: constants, classes, functions."""

CALLBACKS = frozenset({*vars(ConnectionHandler), *vars(Member)})
"""What a transport or the clock calls; documented there."""

EXTRAS = frozenset(
    {"aiohttp", "anyio", "fastapi", "litestar", "pydantic", "starlette", "uvicorn", "uvloop", "websockets"}
)


def test_the_facade() -> None:
    assert hubstream.__all__ == FACADE


def test_the_facade_of_the_blocking_client() -> None:
    assert hubstream.blocking.__all__ == ["HubConnection", "Stream", "file_chunks"]


@pytest.mark.parametrize(
    "module",
    [hubstream, hubstream.blocking, hubstream.client, hubstream.testing],
    ids=lambda module: module.__name__,
)
def test_every_name_is_there_and_documented(module: ModuleType) -> None:
    for name in module.__all__:
        exported = getattr(module, name)
        if not callable(exported):
            continue
        assert inspect.getdoc(exported), name
        for member, value in vars(exported).items() if inspect.isclass(exported) else ():
            if member.startswith("_") or member in CALLBACKS or not isinstance(value, (FunctionType, property)):
                continue
            assert inspect.getdoc(value), f"{name}.{member}"


def test_constants_are_documented_where_they_stand() -> None:
    style = ast.parse(inspect.getsource(inspect.getmodule(hubstream.Payloads) or hubstream)).body
    documented = {
        target.id
        for assigned, text in pairwise(style)
        if isinstance(assigned, ast.Assign) and isinstance(text, ast.Expr)
        for target in assigned.targets
        if isinstance(target, ast.Name)
    }
    assert documented >= {"DOTNET", "PYTHON"}


def test_importing_it_imports_no_extra() -> None:
    program = "import sys, hubstream, hubstream.blocking, hubstream.client, hubstream.testing; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    imported = {module.partition(".")[0] for module in ran.stdout.split()}
    assert not imported & EXTRAS
    assert "msgspec" in imported
