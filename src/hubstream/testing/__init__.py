"""The test kit: hubs and clients in one event loop, without a port. May import every room; no other room imports it."""

from hubstream.testing.connect import connect

__all__ = ["connect"]
