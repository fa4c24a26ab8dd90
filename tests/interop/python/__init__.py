"""The checks of this package's own client, area by area, under the names of `checks.txt`, and those of its own ways."""

from __future__ import annotations

import pytest

AREAS = ("invoke", "down", "up", "call", "life", "beyond", "js", "own")

# Asserts in them say what they have seen, as those of tests do.
pytest.register_assert_rewrite(*(f"{__name__}.{area}" for area in AREAS))
