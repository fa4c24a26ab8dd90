"""The test kit: hubs and clients in one event loop, without a port. May import every room; no other room imports it."""

from hubstream.testing.clock import JumpingLoop
from hubstream.testing.connect import connect
from hubstream.testing.connection import TestConnection

__all__ = ["JumpingLoop", "TestConnection", "connect"]
