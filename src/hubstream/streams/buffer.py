"""What becomes of a stream whose items come faster than they are taken. Imports nothing of the package."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["StreamPolicy"]

StreamPolicy: TypeAlias = Literal["wait", "drop_oldest", "latest", "error"]
"""What happens when a stream's buffer is full.

| policy        | the next item                                                                          |
|---------------|----------------------------------------------------------------------------------------|
| `wait`        | is kept, and the connection stops reading: the server waits                            |
| `drop_oldest` | takes the place of the oldest                                                          |
| `latest`      | takes the place of the one that waits: the buffer is one item                          |
| `error`       | ends the stream: what waits is still delivered, then an error, and the server is told  |
"""
