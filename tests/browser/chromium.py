"""The Chromium the browser tests run in: found on the machine, never downloaded."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

__all__ = ["ARGUMENTS", "chromium", "missing"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # tests may run as root, where Chromium's sandbox does not start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(what: str) -> NoReturn:
    """Skip the test for want of something on this machine; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} (in CI nothing may be missing)")
    pytest.skip(what)


def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, or fails in CI."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if name and (path := shutil.which(name)):
            return path
    missing("no Chromium found: `make test` says how to get one")
