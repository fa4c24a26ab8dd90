"""The servers, shared with the tests of interoperation."""

from __future__ import annotations

from tests.interop.conftest import conformance_server

__all__ = ["conformance_server"]
