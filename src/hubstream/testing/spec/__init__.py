"""Tests that every implementation of an interface must pass; for pytest, in its asyncio mode `auto`."""
