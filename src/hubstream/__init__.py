"""SignalR for Python: a hub server for any ASGI application and an asyncio client, with streaming both ways."""

from hubstream.client.hub_connection import HubConnection
from hubstream.client.reconnect import RetryContext
from hubstream.client.state import HubConnectionState
from hubstream.errors import (
    ConnectionLost,
    HandshakeError,
    HubError,
    HubstreamError,
    MappingError,
    NegotiateError,
    ProtocolError,
    TransportError,
)
from hubstream.hub.authorize import authorize
from hubstream.hub.context import HubCallerContext
from hubstream.hub.depends import Depends
from hubstream.hub.describe import HubDescription, MethodDescription, ParameterDescription
from hubstream.hub.ends import EndReason
from hubstream.hub.events import HubEvent
from hubstream.hub.filters import HubFilter, HubInvocationContext
from hubstream.hub.hub import Hub, hub_method
from hubstream.hub.observer import Notice, Observer
from hubstream.hub.options import Options
from hubstream.hub.server import HubServer
from hubstream.payloads.style import DOTNET, PYTHON, Payloads
from hubstream.streams.channel import Channel, ChannelClosed, ChannelReader
from hubstream.streams.subject import Subject
from hubstream.transports.asgi.request import Request
from hubstream.user import User

__all__ = [
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
