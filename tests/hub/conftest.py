"""After every test of the hub nothing may be left: no task, no started generator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client.conftest import nothing_left
from tests.clock import loop_factories

__all__ = ["nothing_left"]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Any:
    return loop_factories(getattr(item, "module", None))
