"""After every test of the hub nothing may be left: no task, no started generator."""

from tests.client.conftest import nothing_left

__all__ = ["nothing_left"]
