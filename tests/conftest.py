"""All tests: what was there before a module's first test is no garbage of its tests, and takes no time to look through."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def former() -> None:
    # Thousands of tests are a million objects: to look for garbage among them holds the event loop for 0.2 s, and hubs tell of
    # 0.1 s.
    gc.collect()
    gc.freeze()
