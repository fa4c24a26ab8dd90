"""Nothing may be left here either."""

from tests.client.conftest import nothing_left

__all__ = ["nothing_left"]
