"""A file in pieces, to be uploaded, and how far that is. Imports nothing of the package; reads when it is asked for a piece."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["file_chunks"]

SIZE = 16_384


def file_chunks(
    path: str | os.PathLike[str], *, size: int = SIZE, progress: Callable[[int, int], object] | None = None
) -> Iterator[bytes]:
    """The bytes of a file, piece by piece: an argument for a hub method that reads a stream of `bytes`.

        checksum = connection.invoke("store", "day.csv", file_chunks("day.csv", progress=show), result=str)

    Args:
        path: The file.
        size: Bytes of a piece; 16,384, which fit a server's limit of 32 KiB for a message in JSON too, where bytes are base64.
        progress: Called before the first piece and after each, in the thread of the upload, with the bytes that have been taken
            and the bytes of the whole file.

    Raises:
        OSError: The file cannot be read.
        ValueError: `size` is no number of bytes.
    """
    if size < 1:
        raise ValueError(f"a piece of a file has at least one byte, not {size!r}")
    path = Path(path)
    with path.open("rb") as file:  # what is wrong is said here, not in the middle of a call
        total = os.fstat(file.fileno()).st_size
    return _read(path, size, total, progress or (lambda done, total: None))


def _read(path: Path, size: int, total: int, progress: Callable[[int, int], object]) -> Iterator[bytes]:
    done = 0
    with path.open("rb") as file:
        progress(done, total)
        while piece := file.read(size):
            yield piece
            done += len(piece)
            progress(done, total)
