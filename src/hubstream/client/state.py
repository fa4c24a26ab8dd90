"""The states of a hub connection (spec 11.1). Imports nothing of the package."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["HubConnectionState"]


class HubConnectionState(StrEnum):
    """What a `HubConnection` is doing; each is its name as a text too."""

    DISCONNECTED = "Disconnected"
    CONNECTING = "Connecting"
    CONNECTED = "Connected"
    RECONNECTING = "Reconnecting"
    DISCONNECTING = "Disconnecting"
